// Command sipgoproxy is sipgo's plain stateful forwarding, to compare with: every
// request goes to one target with Via and Record-Route added, every response back.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:5160", "address to listen on")
	callee := flag.String("callee", "127.0.0.1:5170", "where calls go")
	flag.Parse()
	if err := run(*listen, *callee); err != nil {
		fmt.Fprintln(os.Stderr, "sipgoproxy:", err)
		os.Exit(1)
	}
}

// forwarder is the proxy.
type forwarder struct {
	client *sipgo.Client
	listen string
	callee string
}

func run(listen, callee string) error {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	host, portText, err := net.SplitHostPort(listen)
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return err
	}
	ua, err := sipgo.NewUA()
	if err != nil {
		return err
	}
	defer ua.Close()
	server, err := sipgo.NewServer(ua)
	if err != nil {
		return err
	}
	client, err := sipgo.NewClient(ua, sipgo.WithClientHostname(host), sipgo.WithClientPort(port))
	if err != nil {
		return err
	}
	f := &forwarder{client, listen, callee}
	server.OnAck(func(req *sip.Request, _ sip.ServerTransaction) { f.pass(req) })
	for _, m := range []sip.RequestMethod{sip.INVITE, sip.BYE, sip.PRACK, sip.UPDATE, sip.REFER, sip.NOTIFY, sip.MESSAGE, sip.INFO, sip.OPTIONS} {
		server.OnRequest(m, f.forward)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return server.ListenAndServe(ctx, "udp", listen)
}

// aim takes our own Route away and says where the request goes.
func (f *forwarder) aim(req *sip.Request) {
	for r := req.Route(); r != nil && r.Address.HostPort() == f.listen; r = req.Route() {
		req.RemoveHeader("Route")
	}
	where := f.callee
	if to := req.To(); to != nil {
		if _, inside := to.Params.Get("tag"); inside {
			where = req.Recipient.HostPort()
		}
	}
	req.SetDestination(where)
}

func (f *forwarder) pass(req *sip.Request) {
	f.aim(req)
	_ = f.client.WriteRequest(req, sipgo.ClientRequestAddVia)
}

func (f *forwarder) forward(req *sip.Request, tx sip.ServerTransaction) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	f.aim(req)
	out, err := f.client.TransactionRequest(ctx, req, sipgo.ClientRequestAddVia, sipgo.ClientRequestAddRecordRoute)
	if err != nil {
		_ = tx.Respond(sip.NewResponseFromRequest(req, 500, "Server Internal Error", nil))
		return
	}
	defer out.Terminate()
	for {
		select {
		case res, ok := <-out.Responses():
			if !ok {
				return
			}
			if res.StatusCode == sip.StatusTrying {
				continue
			}
			res.RemoveHeader("Via") // ours
			res.SetDestination(req.Source())
			if tx.Respond(res) != nil || res.StatusCode >= 200 {
				return
			}
		case <-out.Done():
			return
		case <-tx.Done():
			return
		}
	}
}
