#!/bin/sh
# Makes the keys of services that ask the API, once. Usage: make-keys.sh STATE FOLDER
set -eu
state=$1
folder=$2
umask 077
if [ ! -s "$folder/prometheus" ]; then
    riskwave keys create prometheus --scope metrics --for 3650d --state "$state" > "$folder/prometheus.new"
    # Prometheus runs as another user, which shares this volume alone.
    chmod 0444 "$folder/prometheus.new"
    mv "$folder/prometheus.new" "$folder/prometheus"
fi
