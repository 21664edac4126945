// Run in the page: the contrast of every text, and of every sign of the chart, with what is behind it.

const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const rgb = (colour) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
};
const light = (colour) => {
  const [r, g, b] = rgb(colour).map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (node) => {
  const band = node.closest(".segment")?.querySelector("rect");
  if (band && node !== band) return getComputedStyle(band).fill;
  for (let at = node; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (rgb(colour)[3] === 255) return colour;
  }
  return "white";
};
const ratio = (one, other) => {
  const [more, less] = [one, other].map(light).sort((a, b) => b - a);
  return (more + 0.05) / (less + 0.05);
};
const texts = {};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || node.closest("noscript, select, script, title")) continue;
  const style = getComputedStyle(node);
  const colour = node instanceof SVGElement ? style.fill : style.color;
  texts[`${node.tagName} ${node.getAttribute("class")} ${node.textContent.slice(0, 20)}`] = ratio(colour, behind(node));
}
const signs = {};
for (const node of document.querySelectorAll(".segment > rect:first-child, .mark > *, .line > path, .seen")) {
  if (node.tagName === "title" || (node.closest(".story") && !node.matches(".seen"))) continue;
  const style = getComputedStyle(node);
  const colours = [style.fill, style.stroke].filter((colour) => colour !== "none").map((colour) => ratio(colour, behind(node.closest("article"))));
  signs[`${node.parentElement.getAttribute("class")} ${node.tagName}`] = Math.max(...colours);
}
return { texts, signs };
