package main

import (
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jobgen/jobgen/internal/schema"
)

// completeFile completes the name of a jobs.yaml, which is the only argument.
func completeFile(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
}

// completeJobs completes the names of the jobs in the file that is the first
// argument, or in the nearest, each with the first line of its documentation. A
// file with mistakes has names too. Where no name fits, the shell completes files.
func completeJobs(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	files, jobs := fileFirst(args)
	done := cobra.ShellCompDirectiveDefault
	if len(args) > 0 {
		done = cobra.ShellCompDirectiveNoFileComp
	}
	found, err := findFile(files)
	if err != nil {
		return nil, done
	}
	src, err := os.ReadFile(found)
	if err != nil {
		return nil, done
	}
	file, _ := schema.Parse(found, src)
	if file == nil {
		return nil, done
	}
	var names []string
	for _, job := range file.Jobs {
		if !slices.Contains(jobs, job.Type.Value) {
			names = append(names, cobra.CompletionWithDesc(job.Type.Value, firstLine(job.Doc)))
		}
	}
	return names, done
}

// firstLine returns the first line of a doc comment.
func firstLine(doc string) string {
	line, _, _ := strings.Cut(doc, "\n")
	return line
}

// firstOnly completes one argument behind the file, and no other.
func firstOnly(complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if _, jobs := fileFirst(args); len(jobs) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(cmd, args, begun)
	}
}
