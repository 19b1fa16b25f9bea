package pgtest

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
)

// lesserUser is who runs the server in place of root, or nil.
var lesserUser = sync.OnceValue(func() *syscall.Credential {
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(account.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(account.Gid, 10, 32)
		if uidErr == nil && gidErr == nil && uid != 0 {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	return &syscall.Credential{Uid: 65534, Gid: 65534}
})

// serverUser makes a command run as who may run a server.
func serverUser() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: lesserUser()}
}

// open reports whether a server's user who is not ourselves has these rights
// (1 to look into it, 2 to write) on dir, and may pass the folders above it.
func open(dir string, rights os.FileMode) bool {
	if lesserUser() == nil {
		return true
	}
	for {
		info, err := os.Stat(dir)
		if err != nil || info.Mode()&rights != rights {
			return false
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return true
		}
		dir, rights = parent, 0o001
	}
}
