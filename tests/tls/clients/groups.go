// Prints which key exchange group a Go client and the server agree on, with Go's own order and with each group alone.
// Knows nothing of policies; Go is here because it speaks X25519MLKEM768.
package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

const timeout = 15 * time.Second

var groups = map[string][]tls.CurveID{
	"default":        nil,
	"X25519MLKEM768": {tls.X25519MLKEM768},
	"X25519":         {tls.X25519},
	"CurveP256":      {tls.CurveP256},
	"CurveP384":      {tls.CurveP384},
	"CurveP521":      {tls.CurveP521},
}

func agree(address string, wanted []tls.CurveID) string {
	dialer := &net.Dialer{Timeout: timeout}
	// The certificate is none of this program's business: others verify it.
	config := &tls.Config{CurvePreferences: wanted, ServerName: "localhost", InsecureSkipVerify: true}
	connection, err := tls.DialWithDialer(dialer, "tcp", address, config)
	if err != nil {
		return "refused"
	}
	defer connection.Close()
	return connection.ConnectionState().CurveID.String()
}

func main() {
	for _, address := range os.Args[1:] {
		for name, wanted := range groups {
			fmt.Println(strings.Join([]string{address, name, agree(address, wanted)}, " "))
		}
	}
}
