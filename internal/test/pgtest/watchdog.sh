# Runs a PostgreSQL server for as long as somebody holds the other end of its
# standard input open, then removes every trace of it. It does all of it, from
# making the folder on, so that no moment is left in which the death of its
# parent leaves something behind. Descriptor 3 stays open for as long as a
# server is being made or runs, and takes the messages up to its start.
#
# arguments: FOLDER BINARIES PORT [NAME=VALUE...], the latter for the server's
# settings; environment: PGTEST_PASSWORD and, for a standby, PGTEST_BACKUP,
# the folder to start from
dir=$1 bin=$2 port=$3
shift 3
segment=
for setting; do
	shift
	case $setting in
	wal_segment_size=*MB) segment=${setting#*=} segment=${segment%MB} ;; # is for initdb to set
	*) set -- "$@" -c "$setting" ;;
	esac
done
umask 077
trap '' HUP INT TERM
mkdir "$dir" 2>&3 || exit 1
cd "$dir" 2>&3 || exit 1
make_cluster() {
	if [ -n "$PGTEST_BACKUP" ]; then
		cp -R "$PGTEST_BACKUP" "$dir/data" && chmod 700 "$dir/data"
		return
	fi
	printf '%s\n' "$PGTEST_PASSWORD" >password &&
		"$bin/initdb" -D "$dir/data" -U postgres -E UTF8 --locale=C --no-sync ${segment:+"--wal-segsize=$segment"} \
			--auth-local=trust --auth-host=scram-sha-256 --pwfile=password
}
if make_cluster >&3 2>&1; then
	"$bin/postgres" -D "$dir/data" -k "$dir" -p "$port" -c listen_addresses=127.0.0.1 \
		-c max_connections=500 -c max_wal_size=256MB -c fsync=off -c full_page_writes=off "$@" </dev/null >log 2>&1 &
fi
exec 3>&-
read -r _
# The server may be another than the first: a test may have restarted it.
if read -r server 2>/dev/null <data/postmaster.pid; then
	# At once, without a checkpoint: what it holds is thrown away.
	kill -QUIT "$server" 2>/dev/null
	tries=0
	while [ -e data/postmaster.pid ] && [ "$tries" -lt 200 ]; do
		sleep 0.05
		tries=$((tries + 1))
	done
	kill -KILL "$server" 2>/dev/null
	wait
fi
cd /
rm -rf "$dir" 2>/dev/null || { sleep 1; rm -rf "$dir"; }
