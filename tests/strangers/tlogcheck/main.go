// Command tlogcheck reads a whole log over HTTP and checks it with Go's own sumdb packages.
//
//	tlogcheck <base address> <verifier key>
//
// It prints "ok <size>", or what is wrong and where, and exits 1. TLOG_TOKEN: bearer token.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height, width = 8, 256

func main() {
	verifier, err := note.NewVerifier(os.Args[2])
	must("key", err)
	signed, err := note.Open(get("checkpoint"), note.VerifierList(verifier))
	must("checkpoint", err)
	var origin, root string
	var size int64
	_, err = fmt.Sscanf(signed.Text, "%s\n%d\n%s\n", &origin, &size, &root)
	must("checkpoint", err)

	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) (hashes []tlog.Hash, _ error) {
		for _, index := range indexes {
			hashes = append(hashes, stored[index])
		}
		return hashes, nil
	})
	for first := int64(0); first < size; first += width {
		bundle := tlog.Tile{H: height, L: -1, N: first / width, W: int(min(width, size-first))}
		raw := get(path(bundle))
		for record := first; record < first+int64(bundle.W); record++ {
			if len(raw) < 2 || len(raw) < 2+int(raw[0])<<8+int(raw[1]) {
				fail("%s ends within entry %d", path(bundle), record)
			}
			end := 2 + int(raw[0])<<8 + int(raw[1])
			more, err := tlog.StoredHashes(record, raw[2:end], reader)
			must(path(bundle), err)
			stored, raw = append(stored, more...), raw[end:]
		}
		if len(raw) > 0 {
			fail("%s holds more than %d entries", path(bundle), bundle.W)
		}
	}
	for _, tile := range tlog.NewTiles(height, 0, size) {
		want, err := tlog.ReadTileData(tile, reader)
		must(path(tile), err)
		have := get(path(tile))
		for item := 0; item < len(want); item += tlog.HashSize {
			if len(have) != len(want) || !bytes.Equal(have[item:item+tlog.HashSize], want[item:item+tlog.HashSize]) {
				fail("%s is not that of the entries, at item %d", path(tile), item/tlog.HashSize)
			}
		}
	}
	have, err := tlog.TreeHash(size, reader)
	must("tree", err)
	if origin != verifier.Name() || have.String() != root {
		fail("checkpoint: %s has root %s, the entries have %s", origin, root, have)
	}
	fmt.Println("ok", size)
}

func path(tile tlog.Tile) string {
	return strings.NewReplacer("tile/8/data/", "tile/entries/", "tile/8/", "tile/").Replace(tile.Path())
}

func get(path string) []byte {
	request, err := http.NewRequest("GET", strings.TrimRight(os.Args[1], "/")+"/"+path, nil)
	must(path, err)
	if token := os.Getenv("TLOG_TOKEN"); token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	must(path, err)
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		fail("%s: %s", path, response.Status)
	}
	body, err := io.ReadAll(response.Body)
	must(path, err)
	return body
}

func must(where string, err error) {
	if err != nil {
		fail("%s: %v", where, err)
	}
}

func fail(format string, arguments ...any) {
	fmt.Printf(format+"\n", arguments...)
	os.Exit(1)
}
