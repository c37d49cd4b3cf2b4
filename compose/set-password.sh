#!/bin/sh
# Gives RisingWave's user root the password RISINGWAVE_PASSWORD, unless it has it. Usage: set-password.sh HOST PORT
set -eu
host=$1
port=$2

# Runs what stdin says as root with the password given.
ask() {
    PGPASSWORD=$1 psql --host "$host" --port "$port" --username root --dbname dev --no-password --quiet \
        --set ON_ERROR_STOP=1 --output /dev/null
}

if ! echo "select 1" | ask "" 2> /dev/null; then
    # A password is set: it has to be this one.
    echo "select 1" | ask "$RISINGWAVE_PASSWORD"
    exit 0
fi
# The password goes in as a literal with its quotes doubled, never on a command line.
escaped=$(printf '%s' "$RISINGWAVE_PASSWORD" | sed "s/'/''/g")
printf "alter user root with password '%s';\n" "$escaped" | ask ""
