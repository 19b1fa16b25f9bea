package engine

import (
	"bytes"
	"errors"
	"fmt"
	goruntime "runtime"
)

// ErrGoexit is the error of an attempt whose function ended its goroutine.
var ErrGoexit = errors.New("the function called runtime.Goexit")

// A Final is the error of an attempt that would end the same way again: its job
// is dead at once. It counts where a [Task]'s Run returns it as it is, and nobody
// else gets to see it.
type Final struct{ Err error }

func (f *Final) Error() string { return f.Err.Error() }

// Unwrap returns Err.
func (f *Final) Unwrap() error { return f.Err }

// call runs the attempt's task, reads the error that it ended with, and then
// calls ended, whatever way the task and its error's methods end: they return,
// panic, or end the goroutine. In the last case the goroutine ends once ended has
// returned. Each step is deferred, since deferred calls are all that
// runtime.Goexit leaves.
func (a *Attempt) call(ended func(*Attempt)) {
	defer ended(a)
	defer a.logStack()
	defer a.readError()
	defer a.stop()
	a.err = a.Task.Run(a)
	if final, ok := a.err.(*Final); ok { // not errors.As: a handler may wrap the error of another attempt
		a.err, a.final = final.Err, true
	}
	a.returned = true
}

// stop makes an error of a panic or a Goexit of the task.
func (a *Attempt) stop() {
	if a.returned {
		return
	}
	value := recover()
	stack := Stack()
	a.failure, a.err = &failure{broke: true, stack: stack}, ErrGoexit
	if value != nil {
		a.err = a.Task.Panicked(value, stack)
	}
}

// readError reads the error's text, once and here: its methods are the user's,
// and may panic, block or end this goroutine, but no other.
func (a *Attempt) readError() {
	if a.err == nil {
		return
	}
	if a.failure == nil {
		a.failure = &failure{}
	}
	a.failure.reason = fmt.Sprintf("its error could not be read: %T: its method Error called runtime.Goexit", a.err)
	a.failure.reason = ErrorText(a.err)
}

// ErrorText is err.Error(), or why that could not be read.
func ErrorText(err error) (text string) {
	defer func() {
		if value := recover(); value != nil {
			text = fmt.Sprintf("its error could not be read: %T: %s", err, PanicText(value))
		}
	}()
	return err.Error()
}

// PanicText is "panic: " and the text of a panic's value, or its type where it
// has a text that cannot be read.
func PanicText(value any) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("panic: a %T, whose text could not be read", value)
		}
	}()
	return fmt.Sprintf("panic: %v", value)
}

// logStack writes where a panic or a Goexit happened to the attempt's log.
func (a *Attempt) logStack() {
	if f := a.failure; f != nil && f.broke {
		defer func() { _ = recover() }()                        // as with readLog
		_, _ = fmt.Fprintf(a.Task, "%s\n%s", f.reason, f.stack) // the log never fails
	}
}

// maxFrames bounds the stack of a function that calls itself without end.
const maxFrames = 200

// Stack is the calling goroutine's stack as an attempt's log has it: functions and
// lines. The words that were passed to them are left out, since a payload may be
// in those.
func Stack() []byte {
	var text bytes.Buffer
	callers := make([]uintptr, maxFrames)
	frames := goruntime.CallersFrames(callers[:goruntime.Callers(2, callers)])
	for more := true; more; {
		var f goruntime.Frame
		f, more = frames.Next()
		fmt.Fprintf(&text, "%s\n\t%s:%d\n", f.Function, f.File, f.Line)
	}
	return text.Bytes()
}
