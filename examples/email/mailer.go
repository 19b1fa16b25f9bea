package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/jobgen/jobgen/gen/jobs"
	"github.com/jobgen/jobgen/runtime"
)

// smtpServer is where e-mails go and how to log in there.
type smtpServer struct{ addr, user, password string }

// A mailer sends over SMTP and keeps connections for the next e-mail.
type mailer struct {
	server smtpServer
	idle   chan *gomail.Client
}

func newMailer(server smtpServer) *mailer {
	return &mailer{server: server, idle: make(chan *gomail.Client, handlers)}
}

// send delivers one message. A server's refusal comes back as a refusal.
func (m *mailer) send(ctx context.Context, msg *gomail.Msg) error {
	client, err := m.connection(ctx)
	if err != nil {
		return err
	}
	err = client.Send(msg)
	var refused *gomail.SendError
	if errors.As(err, &refused) && refused.ErrorCode() >= 400 {
		err = &refusal{code: refused.ErrorCode(), err: err}
		if client.Reset() != nil {
			client.Close()
			return err
		}
	} else if err != nil {
		client.Close()
		return fmt.Errorf("send: %w", err)
	}
	select {
	case m.idle <- client:
	default:
		client.Close()
	}
	return err
}

// A refusal is what the SMTP server answered instead of taking the e-mail.
type refusal struct {
	code int
	err  error
}

func (r *refusal) Error() string {
	switch {
	case r.code < 500:
		return fmt.Sprintf("refused for now (SMTP %d)", r.code)
	default:
		return fmt.Sprintf("refused for good (SMTP %d)", r.code)
	}
}

func (r *refusal) Unwrap() error { return r.err }

// connection returns an idle connection that still works, or a new one.
func (m *mailer) connection(ctx context.Context) (*gomail.Client, error) {
	for {
		select {
		case client := <-m.idle:
			if client.Reset() == nil {
				return client, nil
			}
			client.Close()
			continue
		default:
		}
		break
	}
	host, port, err := net.SplitHostPort(m.server.addr)
	if err != nil {
		return nil, fmt.Errorf("SMTP_ADDR %q: host:port is needed: %w", m.server.addr, err)
	}
	portNumber, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("SMTP_ADDR %q: the port is no number", m.server.addr)
	}
	opts := []gomail.Option{
		gomail.WithPort(portNumber), gomail.WithTimeout(20 * time.Second),
		gomail.WithTLSPolicy(gomail.TLSOpportunistic),
	}
	if m.server.user != "" {
		opts = append(opts, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(m.server.user), gomail.WithPassword(m.server.password))
	}
	client, err := gomail.NewClient(host, opts...)
	if err != nil {
		return nil, fmt.Errorf("SMTP server %s: %w", m.server.addr, err)
	}
	if err := client.DialWithContext(ctx); err != nil {
		return nil, fmt.Errorf("SMTP server %s: %w", m.server.addr, err)
	}
	return client, nil
}

func (m *mailer) close() {
	for {
		select {
		case client := <-m.idle:
			client.Close()
		default:
			return
		}
	}
}

// A sender is the handler of e-mail jobs.
type sender struct {
	db     *database
	mail   *mailer
	report *report
}

// send renders and sends one e-mail, then notes it as sent and completes the
// job in one transaction.
func (s *sender) send(ctx context.Context, job *runtime.Job, email jobs.EmailJob) error {
	err := s.deliver(ctx, job, email)
	s.report.attempt(job, err)
	return err
}

func (s *sender) deliver(ctx context.Context, job *runtime.Job, email jobs.EmailJob) error {
	person, err := s.db.account(ctx, email.AccountID)
	if err != nil {
		return err
	}
	letter, err := loadLetter(email.EmailID)
	if err != nil {
		return err
	}
	msg, err := letter.render(job, person)
	if err != nil {
		return err
	}
	log := runtime.Logger(ctx)
	if err := s.mail.send(ctx, msg); err != nil {
		log.Info("not delivered", "account", email.AccountID, "error", errors.Unwrap(err))
		return err
	}
	log.Info("delivered", "account", email.AccountID)
	return s.db.finish(ctx, job, email)
}
