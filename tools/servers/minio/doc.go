// Package minio only pins MinIO, which go.mod names as a tool.
package minio
