#!/usr/bin/env bash
# Installs Request Tracker 5 from Debian's packages (bookworm), with SQLite and without a mail server, for trying out and
# for the tests. Needs root and about a minute. Nothing is started, nothing is sent: start.sh brings its own configuration.
set -euo pipefail

[ "$(id -u)" = 0 ] || { echo "install.sh: run as root (sudo $0)" >&2; exit 1; }
command -v apt-get >/dev/null || { echo "install.sh: needs Debian's apt-get; elsewhere use your own Request Tracker 5" >&2; exit 1; }
export DEBIAN_FRONTEND=noninteractive

# The packages ask questions; these answers make an installation that is never used as it is, only its programs are.
# The password protects nothing: the database that the package sets up stays unused.
debconf-set-selections <<'ANSWERS'
request-tracker5 request-tracker5/rtname string desk
request-tracker5 request-tracker5/organization string desk.example
request-tracker5 request-tracker5/webbaseurl string http://localhost:8081
request-tracker5 request-tracker5/install-cronjobs boolean false
request-tracker5 request-tracker5/handle-siteconfig-permissions boolean false
request-tracker5 request-tracker5/dbconfig-install boolean true
request-tracker5 request-tracker5/initial-root-password password unused-unused
request-tracker5 request-tracker5/initial-root-password-confirm password unused-unused
ANSWERS

apt-get update -qq
# msmtp-mta is named because apt would otherwise choose a full mail server for the package's dependency.
apt-get install -y -qq --no-install-recommends \
  request-tracker5 rt5-standalone rt5-db-sqlite dbconfig-sqlite3 starman msmtp-mta
echo "Request Tracker 5 is installed. Next: $(dirname "$0")/start.sh FOLDER PORT"
