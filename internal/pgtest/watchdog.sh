# Runs a PostgreSQL server for as long as somebody holds the other end of its
# standard input open, then removes every trace of it. It does all of it, from
# making the folder on, so that no moment is left in which the death of its
# parent leaves something behind. Descriptor 3 stays open for as long as a
# server is being made or runs, and takes the messages up to its start.
#
# arguments: FOLDER BINARIES PORT; environment: PGTEST_PASSWORD
dir=$1 bin=$2 port=$3
umask 077
trap '' HUP INT TERM
mkdir "$dir" 2>&3 || exit 1
cd "$dir" 2>&3 || exit 1
server=
if printf '%s\n' "$PGTEST_PASSWORD" >password 2>&3 &&
	"$bin/initdb" -D "$dir/data" -U postgres -E UTF8 --locale=C --no-sync \
		--auth-local=trust --auth-host=scram-sha-256 --pwfile=password >&3 2>&1
then
	"$bin/postgres" -D "$dir/data" -k "$dir" -p "$port" -c listen_addresses=127.0.0.1 \
		-c max_connections=500 -c max_wal_size=256MB -c fsync=off -c full_page_writes=off </dev/null >log 2>&1 &
	server=$!
fi
exec 3>&-
read -r _
if [ -n "$server" ]; then
	# At once, without a checkpoint: what it holds is thrown away.
	kill -QUIT "$server" 2>/dev/null
	tries=0
	while [ -e data/postmaster.pid ] && [ "$tries" -lt 200 ]; do
		sleep 0.05
		tries=$((tries + 1))
	done
	kill -KILL "$server" 2>/dev/null
	wait "$server" 2>/dev/null
fi
cd /
rm -rf "$dir" 2>/dev/null || { sleep 1; rm -rf "$dir"; }
