package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

type hangCommand struct {
	chaosFlags
	Every time.Duration `default:"20s" help:"How long the disk works."`
	Hang  time.Duration `default:"5s" help:"How long it hangs then: nothing written comes back."`
}

// hangSize is the size of the disk in bytes; it takes what is written.
const hangSize = 8 << 30

// Run lets the disk under the records hang. Calls go on without their records, which come
// down later.
func (h *hangCommand) Run() error {
	c, clean, err := newChaos(&h.chaosFlags)
	if err != nil {
		return err
	}
	defer clean()
	records := filepath.Join(c.data, "records")
	unmount, err := mountImage(filepath.Join(c.dir, "disk"), records)
	if err != nil {
		return err
	}
	defer unmount()
	c.during = func(ctx context.Context) error {
		for rest(ctx, h.Every) {
			if err := command("fsfreeze", "--freeze", records); err != nil {
				return err
			}
			fmt.Fprintln(os.Stderr, "the disk hangs")
			rest(ctx, h.Hang)
			if err := command("fsfreeze", "--unfreeze", records); err != nil {
				return err
			}
		}
		return nil
	}
	return c.do(true)
}

// mountImage makes a file system in a file and mounts it at a new directory.
func mountImage(image, at string) (unmount func(), err error) {
	if err := os.MkdirAll(at, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		return nil, err
	}
	if err := os.Truncate(image, hangSize); err != nil {
		return nil, err
	}
	if err := command("mkfs.ext4", "-q", image); err != nil {
		return nil, err
	}
	if err := command("mount", "-o", "loop", image, at); err != nil {
		return nil, fmt.Errorf("a disk of its own cannot be mounted (root is needed): %w", err)
	}
	return func() { _ = command("umount", "--lazy", at) }, os.Chmod(at, 0o700)
}

// command runs a program; its error tells what it said.
func command(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, trimmed(out))
	}
	return nil
}
