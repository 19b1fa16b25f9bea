module github.com/jobgen/jobgen/internal/test/thirdparty

go 1.26.0

require (
	github.com/goccy/go-yaml v1.19.2
	github.com/jobgen/jobgen v0.0.0
	github.com/lib/pq v1.10.9
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3
	golang.org/x/mod v0.43.0
)

require (
	github.com/bwmarrin/snowflake v0.3.0 // indirect
	github.com/rogpeppe/go-internal v1.16.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	golang.org/x/tools v0.52.0 // indirect
)

replace github.com/jobgen/jobgen => ../../../
