package subject

import (
	"fmt"

	"clirgate/trace"
)

// What data are kept for, and who gets them.
const (
	forPresentation = "presentation of the calling number"
	forTransmission = "transmission of calls"
	forEmergency    = "emergency calls"
	forNuisance     = "investigation of nuisance calls"
	forBills        = "shielding on bills"
	forRights       = "answering the subscriber's requests"

	toCalled    = "the called party"
	toNetworks  = "networks the call passes"
	toEmergency = "the emergency centre"
	toClaimant  = "the claimant, after a warning (Tw 11.11)"
	toProviders = "other providers"
)

// Purpose is one thing data are kept for: the register of processing.
type Purpose struct {
	Name       string   `json:"name"`
	Data       string   `json:"data"`
	Recipients []string `json:"recipients"`
	Kept       string   `json:"kept"`
}

// Purposes is the register: nothing is kept for anything else.
func Purposes(months trace.Retention) []Purpose {
	kept := fmt.Sprintf("%d months (internet telephony %d, messages %d)",
		months.Of(trace.ServiceTelephony), months.Of(trace.ServiceInternet), months.Of(trace.ServiceMessage))
	return []Purpose{
		{forPresentation, "number and its services", []string{"the called party, unless withheld"}, "as long as the service lasts"},
		{forTransmission, "calls", []string{toNetworks}, kept},
		{forEmergency, "calls to emergency numbers", []string{toEmergency}, kept},
		{forNuisance, "calls; cases", []string{toClaimant}, "calls " + kept + "; cases until three months after closing"},
		{forBills, "number and date", []string{toProviders}, "as long as the service lasts"},
		{forRights, "requests, objections and corrections", []string{}, "a year after they are answered; objections as long as they are in force"},
	}
}
