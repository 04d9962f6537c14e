package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"
)

// token reads the secret, once; it is never part of an error, and never an argument, which
// everybody on the machine could see.
func (s *session) token() (string, error) {
	if s.secret != "" {
		return s.secret, nil
	}
	text, err := s.findToken()
	if err != nil {
		return "", err
	}
	if s.secret = strings.TrimSpace(text); s.secret == "" || strings.ContainsAny(s.secret, " \r\n\t") {
		s.secret = ""
		return "", failed(exitWrong, "token: what was read is not one token")
	}
	return s.secret, nil
}

func (s *session) findToken() (string, error) {
	switch s.TokenFile {
	case "-":
		line, err := bufio.NewReader(s.in).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", failed(exitWrong, "token: %v", err)
		}
		return line, nil
	case "":
		if t := os.Getenv("CLIRCTL_TOKEN"); strings.TrimSpace(t) != "" {
			return t, nil
		}
		dir, err := os.UserConfigDir()
		if err == nil {
			text, err := readSecret(filepath.Join(dir, "clirctl", "token"))
			if !errors.Is(err, fs.ErrNotExist) {
				return text, err
			}
		}
		return s.askToken()
	}
	return readSecret(s.TokenFile)
}

// readSecret reads a file that nobody else may read.
func readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("token: %w", err)
	}
	if err != nil {
		return "", failed(exitWrong, "token: %v", err)
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		return "", failed(exitWrong, "token: others may read %s (chmod 600 it, and have the token replaced if they did)", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", failed(exitWrong, "token: %v", err)
	}
	return string(data), nil
}

// askToken asks whoever sits at the terminal.
func (s *session) askToken() (string, error) {
	in, ok := s.in.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", failed(exitWrong, "no token: set CLIRCTL_TOKEN, or give --token-file")
	}
	fmt.Fprint(s.errs, "Token: ")
	text, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(s.errs)
	if err != nil {
		return "", failed(exitWrong, "token: %v", err)
	}
	return string(text), nil
}
