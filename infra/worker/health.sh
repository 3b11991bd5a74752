#!/bin/bash
# Answers one HTTP request on standard input: 200 while every worker that was started works or has ended in good order, 503
# when one has failed for good or none was ever started.
set -euo pipefail

failed="$(systemctl list-units --plain --no-legend --state=failed 'convtailor-trainer@*.service')"
shopt -s nullglob
started=(/etc/convtailor/worker-*.conf)

status="200 OK"
if [[ -n "$failed" || ${#started[@]} -eq 0 ]]; then
  status="503 Service Unavailable"
fi

# The request is read to its end, or the other side sees a broken connection instead of the answer.
while IFS= read -r -t 5 line && [[ "${line%$'\r'}" != "" ]]; do :; done
printf 'HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n' "$status"
