# ---- how each batch is ingested again --------------------------------------------------------------------------------

umask 077 # What is downloaded is about persons.
poll=${AEP_REPLAY_POLL:-30}  # seconds between two looks at a batch that is on its way
pause=${AEP_REPLAY_PAUSE:-0} # seconds between two batches
doing='before the first batch'
sent=no

say() { printf '%s\n' "$*" >&2; }

stop() {
  say "$*"
  exit 1
}

told() {
  case $1 in
  0 | 3 | 4) ;;
  *)
    say "Stopped: $doing. What came after it was not sent."
    say "Run the script again in this folder, with $work in it: it goes on there."
    ;;
  esac
}
trap 'told $?' EXIT

for tool in curl jq; do
  command -v "$tool" >/dev/null || stop "$tool is needed: https://curl.se, https://jqlang.org"
done

# A ready token, or one by client id and secret. The secret goes in by standard input: everybody on a machine can see
# the arguments of a process.
authorize() {
  token=${AEP_ACCESS_TOKEN:-}
  if [ -z "$token" ]; then
    : "${AEP_CLIENT_SECRET:?is needed, or AEP_ACCESS_TOKEN}"
    token=$(
      printf '%s' "$AEP_CLIENT_SECRET" |
        curl --silent --show-error --fail "$ims_endpoint/ims/token/v3" \
          --data grant_type=client_credentials --data-urlencode "client_id=$client_id" \
          --data-urlencode "scope=$scopes" --data-urlencode client_secret@- |
        jq --raw-output '.access_token // empty'
    )
  fi
  case $token in
  '' | *[!A-Za-z0-9._~+/=-]*) stop 'There is no access token: check the client id, the secret and the scopes.' ;;
  esac
}

# call FILE ARGUMENTS…: one request with the headers that AEP asks of every caller; what comes back goes into FILE.
call() {
  reply=$1
  shift
  printf 'header = "Authorization: Bearer %s"\n' "$token" |
    curl --config - --silent --show-error --fail-with-body --globoff --output "$reply" \
      --header "x-api-key: $client_id" --header "x-gw-ims-org-id: $organisation" \
      --header "x-sandbox-name: $sandbox" "$@" || {
    if [ -s "$reply" ]; then head -c 2000 "$reply" >&2; fi
    say ''
    exit 1
  }
}

status_of() {
  call "$work/reply" --retry 3 "$endpoint/data/foundation/catalog/batches/$1"
  jq --raw-output --arg id "$1" '.[$id].status // "" | ascii_downcase' "$work/reply"
}

# Batches of the dataset that this plan does not know, one a line. Those that Profile makes of others do not count, nor
# those that brought nothing.
others() {
  start=0
  : >"$work/others"
  while :; do
    call "$work/reply" --retry 3 \
      "$endpoint/data/foundation/catalog/batches?dataSet=$dataset&createdAfter=$after&limit=100&start=$start"
    jq --raw-output 'to_entries[] | select(.key | test("-INGEST$"; "i") | not) | select(.value.status | ascii_downcase |
      IN("failed", "failure", "aborted", "abandoned", "inactive", "deleted", "archived", "retained") | not) | .key' \
      "$work/reply" >"$work/page"
    grep -Fvx -f "$work/known" "$work/page" >>"$work/others" || [ $? -eq 1 ]
    count=$(jq length "$work/reply")
    if [ "$count" -eq 0 ]; then return; fi
    start=$((start + count))
  done
}

# Before each batch that is begun: whoever came in between has newer data, and an older batch must not come after it. One
# that an earlier run began is ended first, since a new plan cannot be made while it is on its way.
alone() {
  if [ "$ordered" = no ]; then return; fi
  others
  if [ ! -s "$work/others" ]; then return; fi
  cat "$work/others" >&2
  say "These batches came after the plan was made: make a new plan. Stopped before batch $number of $total, $old."
  exit 3
}

# todo NUMBER BATCH: whether a batch of the plan is still to be ingested again.
todo() {
  number=$1 old=$2 step=$work/$1
  if [ -e "$step/done" ]; then return 1; fi
  doing="at batch $number of $total, $old"
  authorize # Anew for each batch: a token lives for a day, and the waits may be long.
}

# The share of a day ends here. Run again, the script goes on.
next_day() {
  if [ "$sent" = yes ] && [ ! -e "$work/$1/done" ]; then
    say "The share of this day is done. Run the script again tomorrow, in this folder: it goes on with batch $1 of $total."
    exit 4
  fi
}

# download FILE-ID NAME-IN-THE-URL NAME-HERE BYTES: Data Access, the contents of a file.
download() {
  mkdir -p "$step"
  if [ -e "$step/$3" ]; then return; fi
  call "$step/part" --retry 3 "$endpoint/data/foundation/export/files/$1?path=$2"
  if [ "$4" != - ] && [ "$(wc -c <"$step/part")" -ne "$4" ]; then
    stop "File $1 of batch $old does not have $4 bytes."
  fi
  mv "$step/part" "$step/$3"
}

# create ORDER: Batch Ingestion, a new batch instead of the old one; or the one that an earlier run had begun.
create() {
  new=
  if [ -s "$step/batch" ]; then
    new=$(cat "$step/batch")
    state=$(status_of "$new")
    looks=0
    while [ -z "$state" ] && [ "$looks" -lt 20 ]; do # What AEP shows may be behind.
      sleep "$poll"
      state=$(status_of "$new")
      looks=$((looks + 1))
    done
    if [ -z "$state" ]; then stop "AEP does not show batch $new, which an earlier run began."; fi
    case $state in
    failed | failure | aborted | abandoned | inactive | deleted | archived | retained) new= ;;
    esac
  fi
  if [ -z "$new" ]; then
    alone
    call "$work/reply" --request POST "$endpoint/data/foundation/import/batches" \
      --header 'Content-Type: application/json' --data "$1"
    new=$(jq --raw-output '.id // empty' "$work/reply")
    case $new in
    '' | *[!A-Za-z0-9_-]*) stop 'AEP did not name the new batch.' ;;
    esac
    printf '%s\n' "$new" >>"$work/known"
    printf '%s\n' "$new" >"$step/batch"
    state=loading
  fi
  sent=yes
}

# upload NAME: a file into the new batch.
upload() {
  if [ "$state" != loading ]; then return; fi
  call "$work/reply" --request PUT --header 'Content-Type: application/octet-stream' \
    --data-binary "@$step/$1" "$endpoint/data/foundation/import/batches/$new/datasets/$dataset/files/$1"
}

# finish: complete the new batch, and wait until the lake has it. Only then does the next one begin.
finish() {
  if [ "$state" = loading ]; then
    call "$work/reply" --request POST "$endpoint/data/foundation/import/batches/$new?action=COMPLETE"
  fi
  while :; do
    state=$(status_of "$new")
    case $state in
    success | active) break ;;
    failed | failure | aborted | abandoned | inactive | deleted | archived | retained)
      stop "Batch $new, instead of $old, is $state: see its errors in Catalog. $old is as it was."
      ;;
    esac
    sleep "$poll"
  done
  : >"$step/done"
  left=$(status_of "$old") || left=gone
  say "$number of $total: $new replaces $old, which is now $left."
  find "$step" -type f ! -name batch ! -name done -exec rm -f {} +
  if [ "$number" -lt "$total" ]; then sleep "$pause"; fi
}

mkdir -p "$work"
if [ ! -e "$work/known" ]; then printf '%s\n' "$newest" >"$work/known"; fi
authorize
