package emit_test

import (
	"time"

	"github.com/jobgen/jobgen/internal/gotypes"
)

// emailPackage is this repository's own jobs.yaml.
func emailPackage() *gotypes.Package {
	attempts, work := int32(3), 30*time.Second
	return &gotypes.Package{
		Source: "jobs.yaml",
		Path:   "github.com/jobgen/jobgen/gen/jobs",
		Name:   "jobs",
		Jobs: []*gotypes.Job{{
			Type: "email", Name: "Email", File: "email_job.gen.go", Queue: "emails",
			Doc: "Sends one e-mail to one account.",
			Fields: []*gotypes.Field{
				{Key: "account_id", Name: "AccountID", Param: "accountID", Type: gotypes.Type{Kind: gotypes.KindSnowflake}},
				{Key: "email_id", Name: "EmailID", Param: "emailID", Type: gotypes.Type{Kind: gotypes.KindString}},
			},
			MaxAttempts: &attempts, MaxWorkDuration: &work,
		}},
	}
}
