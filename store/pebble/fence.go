package pebble

import (
	"errors"
	"io"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// errAbandoned: the database was given up; its remains must not write.
var errAbandoned = errors.New("records: database abandoned")

// fence is a file system whose writing side can be shut, for ever or for a while. It
// locks nothing: the directory's lock is the store's.
type fence struct {
	vfs.FS
	why *atomic.Pointer[error]
}

func newFence(fs vfs.FS) *fence { return &fence{FS: fs, why: new(atomic.Pointer[error])} }

// shut makes every change fail with err; nil opens again.
func (f *fence) shut(err error) {
	if err == nil {
		f.why.Store(nil)
		return
	}
	f.why.Store(&err)
}

func (f *fence) check() error {
	if why := f.why.Load(); why != nil {
		return *why
	}
	return nil
}

func (f *fence) guard(file vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return fencedFile{file, f}, nil
}

// Lock does nothing.
func (f *fence) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

func (f *fence) Unwrap() vfs.FS { return f.FS }

func (f *fence) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	return f.guard(f.FS.Create(name, c))
}

func (f *fence) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	return f.guard(f.FS.OpenReadWrite(name, c, o...))
}

func (f *fence) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	return f.guard(f.FS.ReuseForWrite(old, name, c))
}

func (f *fence) Link(old, name string) error {
	if err := f.check(); err != nil {
		return err
	}
	return f.FS.Link(old, name)
}

func (f *fence) Remove(name string) error {
	if err := f.check(); err != nil {
		return err
	}
	return f.FS.Remove(name)
}

func (f *fence) RemoveAll(name string) error {
	if err := f.check(); err != nil {
		return err
	}
	return f.FS.RemoveAll(name)
}

func (f *fence) Rename(old, name string) error {
	if err := f.check(); err != nil {
		return err
	}
	return f.FS.Rename(old, name)
}

// fencedFile is a file opened for writing.
type fencedFile struct {
	vfs.File
	f *fence
}

func (w fencedFile) Write(b []byte) (int, error) {
	if err := w.f.check(); err != nil {
		return 0, err
	}
	return w.File.Write(b)
}

func (w fencedFile) WriteAt(b []byte, at int64) (int, error) {
	if err := w.f.check(); err != nil {
		return 0, err
	}
	return w.File.WriteAt(b, at)
}

func (w fencedFile) Sync() error {
	if err := w.f.check(); err != nil {
		return err
	}
	return w.File.Sync()
}

func (w fencedFile) SyncData() error {
	if err := w.f.check(); err != nil {
		return err
	}
	return w.File.SyncData()
}

func (w fencedFile) SyncTo(n int64) (bool, error) {
	if err := w.f.check(); err != nil {
		return false, err
	}
	return w.File.SyncTo(n)
}
