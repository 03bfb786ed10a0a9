// Command cosigcheck makes and checks cosignatures with transparency-dev's formats.
//
//	cosigcheck check <witness's verifier key>  < note
//	cosigcheck sign <name> <seed in hex>       < note
//
// The first prints "ok <unix seconds>", or what is wrong, and exits 1; the second prints the
// note with a cosignature more.
package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	f_note "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	raw, err := io.ReadAll(os.Stdin)
	must(err)
	switch os.Args[1] {
	case "check":
		verifier, err := f_note.NewVerifierForCosignatureV1(os.Args[2])
		must(err)
		opened, err := note.Open(raw, note.VerifierList(verifier))
		must(err)
		at, err := f_note.CoSigV1Timestamp(opened.Sigs[0])
		must(err)
		fmt.Println("ok", at.Unix())
	case "sign":
		seed, err := hex.DecodeString(os.Args[3])
		must(err)
		public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
		vkey, err := note.NewEd25519VerifierKey(os.Args[2], public)
		must(err)
		id, err := note.NewVerifier(vkey)
		must(err)
		secret := base64.StdEncoding.EncodeToString(append([]byte{1}, seed...))
		skey := fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", os.Args[2], id.KeyHash(), secret)
		signer, err := f_note.NewSignerForCosignatureV1(skey)
		must(err)
		opened, err := note.Open(raw, note.VerifierList())
		unverified, ok := err.(*note.UnverifiedNoteError)
		if opened == nil && ok {
			opened = unverified.Note
		}
		signed, err := note.Sign(opened, signer)
		must(err)
		os.Stdout.Write(signed)
	}
}

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
