package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/jobgen/jobgen/runtime/postgres"
)

func rolesCommand() *cobra.Command {
	var schema, prefix, database string
	cmd := &cobra.Command{
		Use:   "roles",
		Short: "Print SQL that creates PostgreSQL roles with least rights",
		Long: `Roles prints SQL that creates six roles for a schema of jobgen and grants each
its rights: owner, migrate, enqueue, work, read and admin, after a prefix. Read
it, and run it as an administrator: before the first migration, and again after
each migration. It may be run at any time. With --database, roles runs it.`,
		Example: `  # read it, then run it
  jobgen roles --prefix shop_ > roles.sql
  psql -f roles.sql "$ADMIN_DATABASE_URL"

  # or run it at once
  jobgen roles --prefix shop_ --database "$ADMIN_DATABASE_URL"`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			script, err := postgres.RoleScript(prefix, postgres.WithSchema(schema))
			if err != nil {
				return &inputError{err}
			}
			if database == "" {
				_, err = fmt.Fprint(cmd.OutOrStdout(), script)
				return err
			}
			return postgres.ApplyRoles(cmd.Context(), database, prefix, postgres.WithSchema(schema))
		},
	}
	cmd.Flags().StringVar(&schema, "postgres-schema", "jobgen", "the schema of the jobs")
	cmd.Flags().StringVar(&prefix, "prefix", "jobgen_", "what the roles' names begin with")
	cmd.Flags().StringVar(&database, "database", "", "run it on this database, a URL or key=value string, instead")
	return cmd
}
