#!/bin/sh
# Creates the topics that RisingWave reads and writes, unless they are there. Usage: create-topics.sh HOST:PORT
# Payments are kept by the stream once read; what is known of cards, devices and frauds stays in its topic for ever.
set -eu
week=604800000
for topic in payments:4:$week labels:1:-1 card_profiles:1:-1 devices:1:-1 decisions:4:$week alerts:1:$week; do
    name=${topic%%:*}
    rest=${topic#*:}
    /opt/kafka/bin/kafka-topics.sh --bootstrap-server "$1" --create --if-not-exists \
        --topic "$name" --partitions "${rest%:*}" --config "retention.ms=${rest#*:}"
done
