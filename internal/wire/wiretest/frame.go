package wiretest

import "encoding/binary"

// Types of frames: RFC 9113, section 6.
const (
	Headers   = 1
	RSTStream = 3
	Settings  = 4
	GoAway    = 7
)

// Frame returns a frame of HTTP/2.
func Frame(kind, flags byte, stream uint32, payload string) string {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind)) //nolint:gosec // a few bytes
	head = append(head, flags)
	return string(binary.BigEndian.AppendUint32(head, stream)) + payload
}

// Hint returns an informational response, with status 103.
func Hint(stream uint32) string {
	const endHeaders = 4
	return Frame(Headers, endHeaders, stream, "\x08\x03103") // RFC 7541, section 6.2.2: indexed name 8 is :status
}

// Reset ends a stream with an error code.
func Reset(stream, code uint32) string {
	return Frame(RSTStream, 0, stream, string(binary.BigEndian.AppendUint32(nil, code)))
}

// Away ends a connection with an error code, after the streams up to last.
func Away(last, code uint32) string {
	return Frame(GoAway, 0, 0, string(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, last), code)))
}

// ErrorCodes are those of HTTP/2 by name: RFC 9113, section 7.
var ErrorCodes = map[string]uint32{
	"NO_ERROR": 0, "PROTOCOL_ERROR": 1, "INTERNAL_ERROR": 2, "FLOW_CONTROL_ERROR": 3, "SETTINGS_TIMEOUT": 4,
	"STREAM_CLOSED": 5, "FRAME_SIZE_ERROR": 6, "REFUSED_STREAM": 7, "CANCEL": 8, "COMPRESSION_ERROR": 9,
	"CONNECT_ERROR": 10, "ENHANCE_YOUR_CALM": 11, "INADEQUATE_SECURITY": 12, "HTTP_1_1_REQUIRED": 13,
	"unknown": 99,
}
