package config

import (
	"cmp"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones are known on any machine

	"clirgate/casework"
)

// Casework is how complaints about withheld calls are dealt with.
type Casework struct {
	// Margin is how far from the claimed times calls are looked for. At most 12h.
	// Default: 30m.
	Margin Duration `yaml:"margin"`
	// Addresses is where subscribers' names and addresses are found: a CSV file with the
	// columns number, name, address, postcode and town, and if wanted language and
	// provider; or the http or https URL of the customer system. Default: nowhere, then
	// nobody can be written to.
	Addresses string `yaml:"addresses"`
	// AddressesToken is a file with the bearer token for that URL. Default: none is sent.
	AddressesToken string `yaml:"addresses_token"`
	// Letters is a directory with templates of letters; those it has not are the program's
	// own. Default: none.
	Letters string `yaml:"letters"`
	// Language is the one of letters to whoever wants no other: nl or en. Default: nl.
	Language string `yaml:"language"`
	// Timezone is the one that letters and exports tell times in, by its IANA name.
	// Default: Europe/Amsterdam.
	Timezone string `yaml:"timezone"`
	// Sender is whose letters these are.
	Sender Sender `yaml:"sender"`
}

// Sender is the provider as it signs letters.
type Sender struct {
	// Name is the provider's.
	Name string `yaml:"name"`
	// Department is who answers.
	Department string `yaml:"department"`
	// Address is street and number.
	Address string `yaml:"address"`
	// Postcode and Town follow it.
	Postcode string `yaml:"postcode"`
	// Town follows the postcode.
	Town string `yaml:"town"`
	// Contact is telephone number or mail address.
	Contact string `yaml:"contact"`
}

const maxMargin = Duration(12 * time.Hour)

// Remote tells whether addresses are asked of a system, by HTTP.
func (c *Casework) Remote() bool {
	return strings.HasPrefix(c.Addresses, "http://") || strings.HasPrefix(c.Addresses, "https://")
}

func (c *Casework) complete() {
	c.Margin = cmp.Or(c.Margin, Duration(30*time.Minute))
	c.Timezone = cmp.Or(c.Timezone, "Europe/Amsterdam")
	c.Language = cmp.Or(c.Language, casework.Languages[0])
}

// Zone is Timezone; UTC when there is no such zone, which the check tells.
func (c *Casework) Zone() *time.Location {
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil || c.Timezone == "" || c.Timezone == "Local" {
		return time.UTC
	}
	return zone
}

// files are the paths in it.
func (c *Casework) files() []*string {
	paths := []*string{&c.AddressesToken, &c.Letters}
	if !c.Remote() {
		paths = append(paths, &c.Addresses)
	}
	return paths
}

func (k *checker) checkCasework() {
	c := &k.Casework
	if c.Margin < 0 || c.Margin > maxMargin {
		k.add("casework.margin", "a search looks at most 12 hours beyond what was claimed", "write a time like 30m")
	}
	if !slices.Contains(casework.Languages[:], c.Language) {
		k.add("casework.language", "there are no letters in this language", "write one of "+strings.Join(casework.Languages[:], ", "))
	}
	if _, err := time.LoadLocation(c.Timezone); err != nil || c.Timezone == "Local" {
		k.add("casework.timezone", "there is no such time zone", "write an IANA name like Europe/Amsterdam, or UTC")
	}
	if _, err := casework.LoadLetters(c.Letters); err != nil {
		k.add("casework.letters", err.Error(), "mend the template, or take it out of the directory")
	}
	if c.Remote() {
		if u, err := url.Parse(c.Addresses); err != nil || u.Host == "" {
			k.add("casework.addresses", "this is no URL", "write https://host/path, or the name of a CSV file")
		}
	} else if c.Addresses != "" {
		if _, err := os.Stat(c.Addresses); err != nil {
			k.warn("casework.addresses", "the file is not there: nobody can be written to until it is", "put it there, or name another")
		}
	}
	if c.AddressesToken != "" && !c.Remote() {
		k.add("casework.addresses_token", "a file of addresses wants no token", "take it out")
	}
}
