// A peer process made of go-zeromq (../words.py has the language).
package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-zeromq/zmq4"
)

type received struct {
	frames [][]byte
	err    error
}

// A receive that was given up on is still under way: the next one waits for it.
type socket struct {
	zmq4.Socket
	last    [][]byte
	pending chan received
	cancel  context.CancelFunc
}

var kinds = map[string]func(context.Context, ...zmq4.Option) zmq4.Socket{
	"REQ": zmq4.NewReq, "REP": zmq4.NewRep, "DEALER": zmq4.NewDealer, "ROUTER": zmq4.NewRouter,
	"PUB": zmq4.NewPub, "SUB": zmq4.NewSub, "PUSH": zmq4.NewPush, "PULL": zmq4.NewPull,
}

var sockets = map[string]*socket{}

func value(text string) []byte {
	if strings.HasPrefix(text, "x") {
		octets, _ := hex.DecodeString(text[1:])
		return octets
	}
	return []byte(text)
}

func open(name, kind, how, endpoint string, options []string) (string, error) {
	ctx, cancel := context.WithCancel(context.Background())
	var made []zmq4.Option
	subscribe := false
	for _, option := range options {
		key, text, _ := strings.Cut(option, "=")
		if key == "ROUTING_ID" {
			made = append(made, zmq4.WithID(zmq4.SocketIdentity(value(text))))
		}
		subscribe = subscribe || key == "SUBSCRIBE"
	}
	s := &socket{Socket: kinds[kind](ctx, made...), cancel: cancel}
	sockets[name] = s
	if subscribe {
		if err := s.SetOption(zmq4.OptionSubscribe, ""); err != nil {
			return "", err
		}
	}
	if how == "bind" {
		if err := s.Listen(strings.Replace(endpoint, "*", "0", 1)); err != nil {
			return "", err
		}
		return "tcp://" + s.Addr().String(), nil
	}
	return endpoint, s.Dial(endpoint)
}

func frame(word string, last [][]byte) []byte {
	switch word[0] {
	case 'x':
		return value(word)
	case 'r':
		index, _ := strconv.Atoi(word[1:])
		return last[index]
	}
	first, size, _ := strings.Cut(word[1:], ":")
	seed, _ := strconv.Atoi(first)
	length, _ := strconv.Atoi(size)
	octets := make([]byte, length)
	for i := range octets {
		octets[i] = byte(seed + i)
	}
	return octets
}

func (s *socket) receive(milliseconds int) ([][]byte, error) {
	if s.pending == nil {
		pending := make(chan received, 1)
		s.pending = pending
		go func() {
			message, err := s.Recv()
			pending <- received{message.Frames, err}
		}()
	}
	select {
	case got := <-s.pending:
		s.pending = nil
		return got.frames, got.err
	case <-time.After(time.Duration(milliseconds) * time.Millisecond):
		return nil, fmt.Errorf("EAGAIN")
	}
}

// A REQ without a peer fails where others wait: it is asked again until there is one.
func (s *socket) send(frames [][]byte) error {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		err := s.SendMulti(zmq4.NewMsgFrom(frames...))
		if err == nil || !strings.Contains(err.Error(), "no connections available") || time.Now().After(deadline) {
			return err
		}
	}
}

func answer(words []string) (string, error) {
	if words[0] == "open" {
		return open(words[1], words[2], words[3], words[4], words[5:])
	}
	s := sockets[words[1]]
	if s == nil {
		return "", fmt.Errorf("no such socket")
	}
	switch words[0] {
	case "send":
		var frames [][]byte
		for _, word := range words[2:] {
			frames = append(frames, frame(word, s.last))
		}
		return "", s.send(frames)
	case "recv":
		milliseconds, _ := strconv.Atoi(words[2])
		frames, err := s.receive(milliseconds)
		if err != nil {
			return "", err
		}
		s.last = frames
		var digests []string
		for _, f := range frames {
			digests = append(digests, fmt.Sprintf("%d:%d:%x", len(f), crc32.ChecksumIEEE(f), f[:min(16, len(f))]))
		}
		return strings.Join(digests, " "), nil
	case "close":
		delete(sockets, words[1])
		s.cancel()
		s.Close()
	}
	return "", nil
}

func main() {
	fmt.Println("ready go-zeromq 0.17.0")
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() && lines.Text() != "quit" {
		if text, err := answer(strings.Fields(lines.Text())); err != nil {
			fmt.Println("error", strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Println("ok", text)
		}
	}
}
