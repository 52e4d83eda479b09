#!/usr/bin/env bash
# Runs a Request Tracker for Hilferuf in the foreground, on 127.0.0.1 only, as an unprivileged user.
#
#   start.sh FOLDER [PORT]     FOLDER is made if missing; a second start with the same folder keeps its tickets
#
# When it answers, FOLDER/token holds the token of the user `hilferuf` (Authorization: token …) and FOLDER/agent-token that
# of `agent`, a person at the desk. Stop it with SIGTERM. Mail is written to a file, never sent.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
folder=${1:?usage: start.sh FOLDER [PORT]}
port=${2:-8081}
user=${RT_USER:-www-data}
server=/usr/share/request-tracker5/libexec/rt-server
setup=/usr/sbin/rt-setup-database-5

for program in "$server" "$setup"; do
  [ -x "$program" ] || { echo "start.sh: $program is missing; run $here/install.sh" >&2; exit 1; }
done

if [ "$(id -u)" = 0 ]; then
  # The checkout may lie where that user cannot read, so it gets copies.
  mkdir -p "$folder"
  install -m 0644 "$here/start.sh" "$here/seed.pl" "$folder/"
  chown -R "$user:" "$folder"
  exec setpriv --reuid="$user" --regid="$user" --init-groups \
    env -i PATH="$PATH" HOME="$folder" LANG=C.UTF-8 RT_WORKERS="${RT_WORKERS:-2}" bash "$folder/start.sh" "$folder" "$port"
fi

umask 077
mkdir -p "$folder/db" "$folder/log" "$folder/conf.d"
# Own configuration and own (empty) conf.d: with the packaged ones, unreadable to this user, RT opens another, empty database.
export RT_SITE_CONFIG="$folder/RT_SiteConfig.pm" RT_SITE_CONFIG_DIR="$folder/conf.d"
cat > "$RT_SITE_CONFIG" <<PERL
Set(\$rtname, 'desk');
Set(\$Organization, 'desk.example');
Set(\$DatabaseType, 'SQLite');
Set(\$DatabaseName, '$folder/db/rt');
Set(\$WebDomain, 'localhost');
Set(\$WebPort, $port);
Set(\$WebPath, '');
Set(\$WebBaseURL, 'http://localhost:$port');
Set(\$Timezone, 'UTC');
Set(\$MailCommand, 'testfile');   # mail becomes a file in the temporary folder
Set(\$RestrictReferrer, 0);
Set(\$WebSecureCookies, 0);
Set(\$BcryptCost, 6);             # the default of 12 costs 0.27 s on every call with a token; keep 12 for people's passwords
Set(\$LogToSyslog, undef);
Set(\$LogToFile, undef);
Set(\$LogToSTDERR, 'error');
1;
PERL
cd "$folder"
if [ ! -s "$folder/token" ]; then
  "$setup" --action init --skip-create > "$folder/log/init" 2>&1 || { cat "$folder/log/init" >&2; exit 1; }
  "$setup" --action insert --skip-create --datafile "$folder/seed.pl" > "$folder/log/seed" 2>&1 || { cat "$folder/log/seed" >&2; exit 1; }
  for name in agent hilferuf; do
    file=token; [ "$name" = agent ] && file=agent-token
    sed -n "s/.*TOKEN $name \([^ ]*\).*/\1/p" "$folder/log/seed" > "$folder/$file.new"
    [ -s "$folder/$file.new" ] || { echo "start.sh: no token was made; see $folder/log/seed" >&2; exit 1; }
    mv "$folder/$file.new" "$folder/$file"
  done
  rm -f "$folder/log/seed"   # it shows the tokens
fi
exec "$server" --server Starman --host 127.0.0.1 --port "$port" --workers "${RT_WORKERS:-2}"
