package thirdparty

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/lib/pq" // so that this module has it
)

// TestTransactionsOverLibPQ runs the tests of transactions of runtime/postgres
// with another file among them, which begins the transactions with lib/pq. They
// use what only tests of that package can, so they run there, with a go.mod that
// requires lib/pq.
func TestTransactionsOverLibPQ(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	read := func(file string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	_, version, ok := strings.Cut(read("go.mod"), "github.com/lib/pq ")
	if !ok {
		t.Fatal("go.mod does not require lib/pq")
	}
	version, _, _ = strings.Cut(version, "\n")
	mod := write("go.mod", read(filepath.Join(root, "go.mod"))+"\nrequire github.com/lib/pq "+version+"\n")
	write("go.sum", read(filepath.Join(root, "go.sum"))+read("go.sum"))
	added, err := filepath.Abs("testdata/tx_libpq_test.go")
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{
		"Replace": {filepath.Join(root, "runtime", "postgres", "tx_libpq_test.go"): added},
	})
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "go", "test", "-v", "-modfile", mod, "-overlay", write("overlay.json", string(overlay)),
		"-run", "Transaction|Savepoint", "./runtime/postgres")
	command.Dir = root
	command.Env = append(os.Environ(), "GOWORK=off")
	said, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, ran := range []string{"TestTransactionsOfLibPQ/binary", "TestEveryCallWorksInATransactionOfEachDriver/lib/pq_binary", "TestNothingIsRememberedOfASavepointThatWasRolledBack/lib/pq/a_known_queue"} {
		if !strings.Contains(string(said), "--- PASS: "+ran) {
			t.Errorf("%s did not run", ran)
		}
	}
}
