package main

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log"
	"net"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/emersion/go-smtp"
)

// A sink is an SMTP server that saves each e-mail it accepts as a file. To
// show what happens to e-mails that are refused, it refuses some recipients
// once, as greylisting servers do, and those at gone.example for good.
type sink struct {
	dir      string
	server   *smtp.Server
	listener net.Listener
	served   chan struct{}
}

// startSink serves on a free port of the loopback interface.
func startSink(dir string) (*sink, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("SMTP sink: %w", err)
	}
	s := &sink{dir: dir, listener: listener, served: make(chan struct{})}
	s.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &session{sink: s}, nil
	}))
	s.server.Domain = "localhost"
	s.server.ErrorLog = log.New(io.Discard, "", 0)
	go func() {
		defer close(s.served)
		_ = s.server.Serve(listener) // ends with close
	}()
	return s, nil
}

func (s *sink) addr() string { return s.listener.Addr().String() }

func (s *sink) close() {
	_ = s.server.Close()
	<-s.served
}

// accept decides on a recipient.
func (s *sink) accept(to string) error {
	_, domain, _ := strings.Cut(strings.ToLower(to), "@")
	if domain == "gone.example" {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such mailbox here"}
	}
	hash := fnv.New32a()
	_, _ = io.WriteString(hash, to)
	if domain != "greylist.example" && hash.Sum32()%40 != 0 {
		return nil
	}
	// Whom it has refused is remembered in a file each, over a kill too.
	marker, err := os.OpenFile(filepath.Join(s.dir, ".greylisted-"+url.PathEscape(to)), os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 3, 1}, Message: "The outbox cannot be written"}
	}
	_ = marker.Close()
	return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "Greylisted, try again later"}
}

// save writes an e-mail to the outbox, whole or not at all. The file is named
// after recipient and Message-ID, so the same e-mail sent twice is one file.
func (s *sink) save(to string, data []byte) error {
	id := "unknown"
	if msg, err := mail.ReadMessage(strings.NewReader(string(data))); err == nil {
		id, _, _ = strings.Cut(strings.Trim(msg.Header.Get("Message-ID"), "<>"), "@")
	}
	name := url.PathEscape(to) + "." + url.PathEscape(id) + ".eml"
	tmp, err := os.CreateTemp(s.dir, ".incoming-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // of no effect once renamed
	if _, err := tmp.Write(data); err != nil {
		return errors.Join(err, tmp.Close())
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), filepath.Join(s.dir, name))
}

// A session is one SMTP connection to the sink.
type session struct {
	sink *sink
	to   []string
}

func (s *session) Mail(string, *smtp.MailOptions) error { s.to = nil; return nil }

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := s.sink.accept(to); err != nil {
		return err
	}
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	for _, to := range s.to {
		if err := s.sink.save(to, data); err != nil {
			return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 3, 1}, Message: "The outbox cannot be written"}
		}
	}
	return nil
}

func (s *session) Reset() { s.to = nil }

func (s *session) Logout() error { return nil }
