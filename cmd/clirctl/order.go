package main

import (
	"net/url"
	"strconv"
	"time"

	"clirgate/admin"
	"clirgate/casework"
)

type orderCommands struct {
	Open     orderOpen     `cmd:"" help:"Enter an authority's order for traffic data."`
	List     orderList     `cmd:"" help:"List orders, newest first."`
	Show     orderShow     `cmd:"" help:"Show an order."`
	Approve  orderApprove  `cmd:"" help:"Grant an order; never by the one who entered it."`
	Refuse   orderRefuse   `cmd:"" help:"Refuse an order; never by the one who entered it."`
	Document orderDocument `cmd:"" help:"Write the signed answer; clirctl case verify checks it."`
	Letter   orderLetter   `cmd:"" help:"Write the answer as a page to print."`
}

func orderPath(id string) string { return "/v1/orders/" + url.PathEscape(id) }

func (s *session) order(path string, send any) error {
	var o admin.Order
	method := "POST"
	if send == nil {
		method = "GET"
	}
	if err := s.ask(method, path, send, &o); err != nil {
		return err
	}
	s.table("", []string{"order", o.ID}, []string{"state", string(o.State)}, []string{"authority", o.Authority}, []string{"reference", o.Reference},
		[]string{"ground", o.Ground}, []string{"number", o.Scope.Number}, []string{"from", clock(o.Scope.From)}, []string{"to", clock(o.Scope.To)},
		[]string{"entered by", o.By}, []string{"decided by", o.Approver}, []string{"records", strconv.Itoa(o.Records)})
	return nil
}

type orderOpen struct {
	Authority string `required:"" help:"Who orders."`
	Reference string `required:"" help:"The order's reference."`
	Ground    string `required:"" help:"The legal provision."`
	Number    string `arg:"" help:"The number asked about."`
	From      string `required:"" help:"From when on." placeholder:"TIME"`
	To        string `required:"" help:"Until when." placeholder:"TIME"`
	Made      bool   `help:"Calls it made."`
	Received  bool   `help:"Calls to it."`
	Answer    struct {
		Name     string `help:"Who gets the answer; default: the authority."`
		Address  string `help:"Street and house number."`
		Postcode string `help:"Postcode."`
		Town     string `help:"Town."`
		Language string `help:"Of the letter: nl or en."`
	} `embed:"" prefix:"answer-"`
}

func (c *orderOpen) Run(s *session) error {
	from, to, err := twoTimes(c.From, c.To)
	if err != nil {
		return err
	}
	return s.order("/v1/orders", nothing{"authority": c.Authority, "reference": c.Reference, "ground": c.Ground,
		"to":    casework.Party{Name: c.Answer.Name, Address: c.Answer.Address, Postcode: c.Answer.Postcode, Town: c.Answer.Town, Language: c.Answer.Language},
		"scope": admin.OrderScope{Number: c.Number, Made: c.Made, Received: c.Received, From: from, To: to}})
}

// twoTimes reads --from and --to.
func twoTimes(from, to string) (a, b time.Time, err error) {
	if a, err = moment(from, time.Now(), -1); err != nil {
		return a, b, failed(exitWrong, "--from: %v", err)
	}
	if b, err = moment(to, time.Now(), -1); err != nil {
		return a, b, failed(exitWrong, "--to: %v", err)
	}
	return a, b, nil
}

type orderList struct {
	Limit int `default:"50" help:"At most so many."`
}

func (c *orderList) Run(s *session) error {
	var list struct{ Orders []casework.Summary }
	if err := s.ask("GET", "/v1/orders?limit="+strconv.Itoa(c.Limit), nil, &list); err != nil {
		return err
	}
	s.summaries("ORDER", list.Orders)
	return nil
}

type orderShow struct {
	Order string `arg:"" help:"Id of the order."`
}

func (c *orderShow) Run(s *session) error { return s.order(orderPath(c.Order), nil) }

type orderApprove struct {
	Order string `arg:"" help:"Id of the order."`
}

func (c *orderApprove) Run(s *session) error {
	return s.order(orderPath(c.Order)+":approve", nothing{})
}

type orderRefuse struct {
	Order  string `arg:"" help:"Id of the order."`
	Reason string `required:"" help:"Why." placeholder:"TEXT"`
}

func (c *orderRefuse) Run(s *session) error {
	return s.order(orderPath(c.Order)+":refuse", nothing{"reason": c.Reason})
}

type orderDocument struct {
	Order string `arg:"" help:"Id of the order."`
	Out   string `short:"o" type:"path" placeholder:"FILE" help:"Write here; default: standard output."`
}

func (c *orderDocument) Run(s *session) error {
	return s.download(orderPath(c.Order)+"/document", c.Out)
}

type orderLetter struct {
	Order string `arg:"" help:"Id of the order."`
	Out   string `short:"o" type:"path" placeholder:"FILE" help:"Write here; default: standard output."`
}

func (c *orderLetter) Run(s *session) error {
	return s.download(orderPath(c.Order)+"/letter", c.Out)
}
