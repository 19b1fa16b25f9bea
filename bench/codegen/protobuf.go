package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/pluginpb"
)

// setUpProtobuf builds protoc-gen-go, of the version that this module requires,
// and makes the request and the module for its output.
func (b *bench) setUpProtobuf() error {
	b.protoc = filepath.Join(b.dir, "protoc-gen-go")
	bench := filepath.Join(b.root, "bench")
	if _, err := b.exec(bench, nil, io.Discard, "go", "build", "-o", b.protoc, "google.golang.org/protobuf/cmd/protoc-gen-go"); err != nil {
		return err
	}
	var version bytes.Buffer
	if _, err := b.exec(bench, nil, &version, "go", "list", "-m", "-f", "{{.Version}}", "google.golang.org/protobuf"); err != nil {
		return err
	}
	sum, err := os.ReadFile(filepath.Join(bench, "go.sum"))
	if err != nil {
		return err
	}
	if err := write(b.proto(), map[string]string{
		"go.mod": "module example.com/proto\n\ngo 1.26.0\n\nrequire google.golang.org/protobuf " + version.String(),
		"go.sum": string(sum),
	}); err != nil {
		return err
	}
	b.request, err = b.makeRequest()
	return err
}

// makeRequest returns what protoc sends to its plugin.
func (b *bench) makeRequest() ([]byte, error) {
	const name = "jobs/jobs.proto"
	var text strings.Builder
	text.WriteString("syntax = \"proto3\";\npackage jobs;\nimport \"google/protobuf/timestamp.proto\";\noption go_package = \"example.com/proto/jobs\";\n")
	for i := range b.jobs {
		fmt.Fprintf(&text, "// Does work of kind %d.\nmessage Work%dJob {\n  int64 account_id = 1;\n  string subject = 2;\n  int64 count = 3;\n", i, i)
		text.WriteString("  google.protobuf.Timestamp at = 4;\n  repeated string tags = 5;\n}\n")
	}
	compiler := protocompile.Compiler{
		Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
			Accessor: protocompile.SourceAccessorFromMap(map[string]string{name: text.String()}),
		}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(b.ctx, name)
	if err != nil {
		return nil, err
	}
	return proto.Marshal(&pluginpb.CodeGeneratorRequest{
		FileToGenerate: []string{name},
		Parameter:      proto.String("paths=source_relative"),
		ProtoFile: []*descriptorpb.FileDescriptorProto{
			protodesc.ToFileDescriptorProto(timestamppb.File_google_protobuf_timestamp_proto), protodesc.ToFileDescriptorProto(files[0]),
		},
	})
}

// generateMessages runs protoc-gen-go and writes what it returns, as protoc
// does.
func (b *bench) generateMessages() (cost, error) {
	var out bytes.Buffer
	c, err := b.exec(b.proto(), b.request, &out, b.protoc)
	if err != nil {
		return cost{}, err
	}
	begin := time.Now()
	response := &pluginpb.CodeGeneratorResponse{}
	if err := proto.Unmarshal(out.Bytes(), response); err != nil {
		return cost{}, err
	}
	if response.Error != nil {
		return cost{}, errors.New(response.GetError())
	}
	for _, f := range response.File {
		if err := write(b.proto(), map[string]string{f.GetName(): f.GetContent()}); err != nil {
			return cost{}, err
		}
	}
	took := time.Since(begin)
	c.wall += took
	c.cpu += took
	return c, nil
}
