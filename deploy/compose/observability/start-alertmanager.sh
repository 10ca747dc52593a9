#!/bin/sh
# Alertmanager reads no environment: this turns ALERT_WEBHOOK_URL into its receiver, then becomes it.
set -eu
made=${TMPDIR:-/tmp}
receiver=nobody
if [ -n "${ALERT_WEBHOOK_URL:-}" ]; then
    receiver=webhook
    (umask 077 && printf %s "$ALERT_WEBHOOK_URL" >"$made/webhook_url")
fi
sed "s/^  receiver: nobody$/  receiver: $receiver/" "${0%/*}/alertmanager.yml" >"$made/alertmanager.yml"
exec alertmanager --config.file="$made/alertmanager.yml" --storage.path=/alertmanager \
    --cluster.listen-address=
