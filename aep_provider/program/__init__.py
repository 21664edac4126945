"""What a program imports: the resource, many of them from data, and what is announced to the plugin."""
