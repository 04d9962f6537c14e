package privacy

import (
	"bytes"
	"testing"
)

// tv29ISUP is an initial address message with calling party number 205550101.
var tv29ISUP = []byte("\x01\x00\x60\x01\x0A\x03\x02\x09\x07\x83\x90\x07\x55\x05\x91\x09\x0A\x07\x83\x17\x02\x55\x05\x01\x01\x00")

func TestSetPresentation(t *testing.T) {
	f := func(name, before string, restricted bool, after string) {
		t.Helper()
		b := unhex(t, before)
		ok := setPresentation(b, restricted)
		if ok != (after != "") || ok && !bytes.Equal(b, unhex(t, after)) {
			t.Errorf("%s: %x %v, want %s", name, b, ok, after)
		}
	}
	const head1 = "01006001" + "0a" + "03" + "0209" + "07839007550591" + "09"
	f("TV29, restricted already", head1+"0a078317025505010100", true, head1+"0a078317025505010100")
	f("calling party", head1+"0a078313025505010100", true, head1+"0a078317025505010100")
	f("shown again", head1+"0a078317025505010100", false, head1+"0a078313025505010100")
	f("not available stays", head1+"0a02031b00", true, head1+"0a02031b00")
	f("generic", head1+"c00806831302550501"+"0100", true, head1+"c00806831702550501"+"0100")
	f("generic is left on E", head1+"c00806831702550501"+"0100", false, head1+"c00806831702550501"+"0100")
	f("both, others between", head1+"280203100a0783130255050101"+"3f0203110801"+"00"+"c00806831302550501"+"0100", true,
		head1+"280203100a0783170255050101"+"3f0203150801"+"00"+"c00806831702550501"+"0100")
	f("no optional part", "01006001"+"0a"+"03"+"0200"+"07839007550591"+"09", true, "01006001"+"0a"+"03"+"0200"+"07839007550591"+"09")
	f("answer, connected number", "0901"+"2107831302550501"+"01"+"00", true, "0901"+"2107831702550501"+"01"+"00")
	f("release", "0c0200028090", true, "0c0200028090")
	f("address complete", "0614000100", true, "0614000100")
	f("continuity", "0501", true, "0501")
	// broken
	f("empty", "", true, "")
	f("unknown type", "ff00", true, "")
	f("cut head", "010060", true, "")
	f("no end", head1+"0a0783130255050101", true, "")
	f("value too short", head1+"0a010300", true, "")
	f("length runs out", head1+"0aff8313025505010100", true, "")
	f("code without length", head1+"0a", true, "")
	f("pointer runs out", "01006001"+"0a"+"03"+"02ff"+"07839007550591"+"0900", true, "")
	f("variable runs out", "01006001"+"0a"+"03"+"7f09"+"07839007550591"+"0900", true, "")
	f("variable missing", "01006001"+"0a"+"03"+"0009"+"07839007550591"+"0900", true, "")
}

func FuzzISUP(f *testing.F) {
	f.Add(tv29ISUP, true)
	f.Add([]byte("\x09\x01\x21\x02\x03\x13\x00"), false)
	f.Add([]byte("\x01"), true)
	f.Fuzz(func(t *testing.T, b []byte, restricted bool) {
		before := bytes.Clone(b)
		if !setPresentation(b, restricted) {
			return
		}
		changed := 0
		for i := range b {
			if b[i] != before[i] {
				changed++
				if (b[i]^before[i])&^apriMask != 0 {
					t.Fatalf("%x becomes %x", before, b)
				}
			}
		}
		if again := bytes.Clone(b); !setPresentation(again, restricted) || !bytes.Equal(again, b) {
			t.Fatalf("%x becomes %x, then %x", before, b, again)
		}
	})
}
