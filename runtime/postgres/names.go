package postgres

import (
	"context"
	"errors"
	"sync"
)

// interned remembers the numbers that the database has given to names.
type interned struct {
	mu      sync.Mutex
	numbers map[string]int32
}

// maxInterned keeps a program that makes up names without end from
// remembering them all.
const maxInterned = 10_000

func (i *interned) cached(name string) (int32, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	number, ok := i.numbers[name]
	return number, ok
}

func (i *interned) put(name string, number int32) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.numbers == nil || len(i.numbers) >= maxInterned {
		i.numbers = make(map[string]int32)
	}
	i.numbers[name] = number
}

func (i *interned) drop(name string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.numbers, name)
}

type numbersByName = func(ctx context.Context, name string) ([]int32, error)

// number returns the number of name, which create gives it on first use.
func (i *interned) number(ctx context.Context, name string, look, create numbersByName) (int32, error) {
	if number, ok := i.cached(name); ok {
		return number, nil
	}
	number, err := numberOf(ctx, name, look, create)
	if err == nil {
		i.put(name, number)
	}
	return number, err
}

var errVanished = errors.New("it is created and deleted all the time")

func numberOf(ctx context.Context, name string, look, create numbersByName) (int32, error) {
	for range 5 { // whoever else makes it at the same time may delete it again
		for _, ask := range []numbersByName{look, create} {
			numbers, err := ask(ctx, name)
			if err != nil {
				return 0, err
			}
			if len(numbers) > 0 {
				return numbers[0], nil
			}
		}
	}
	return 0, errVanished
}
