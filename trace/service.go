package trace

import "fmt"

// Service is the kind of service a record is of. Each has its own retention (LAW-18).
type Service uint8

const (
	ServiceTelephony Service = iota // calls over the fixed or mobile network
	ServiceInternet                 // internet telephony
	ServiceMessage                  // MESSAGE and whatever else is no call
	services
)

// Services lists them all.
var Services = [...]Service{ServiceTelephony, ServiceInternet, ServiceMessage}

var serviceNames = [...]string{"telephony", "internet", "message"}

// String names the service as configuration does.
func (s Service) String() string {
	if s >= services {
		return "unknown"
	}
	return serviceNames[s]
}

// ParseService reads what String writes.
func ParseService(name string) (Service, error) {
	for i, n := range serviceNames {
		if n == name {
			return Service(i), nil
		}
	}
	return 0, fmt.Errorf("service %q: must be one of %v", name, serviceNames)
}

// ServiceOf is the service that the method alone tells: INVITE is telephony, the rest
// are messages. Which peers carry internet telephony is for the operator to say.
func ServiceOf(r *Record) Service {
	if r.Method == "INVITE" || r.Method == "" {
		return ServiceTelephony
	}
	return ServiceMessage
}

// Retention is how many calendar months records are kept, by service; outside 1 to
// MaxRetention it is MaxRetention.
type Retention [services]int

// Months is a retention that is the same for every service.
func Months(n int) (r Retention) {
	for i := range r {
		r[i] = n
	}
	return r
}

// Of is the months of a service, 1 to MaxRetention.
func (r Retention) Of(s Service) int {
	if s >= services || r[s] < 1 || r[s] > MaxRetention {
		return MaxRetention
	}
	return r[s]
}
