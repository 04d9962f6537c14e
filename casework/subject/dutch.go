package subject

import (
	"cmp"
	"strings"
)

// in says a text in a language; what has no translation stays as it is.
func in(language, text string) string {
	if language == "en" {
		return cmp.Or(english[text], text)
	}
	if said, ok := dutch[text]; ok {
		return said
	}
	for _, r := range dutchKept {
		text = strings.ReplaceAll(text, r[0], r[1])
	}
	return text
}

// english are the words of rules that are not English yet.
var english = map[string]string{
	"clir": "number withheld (CLIR)", "clip": "calling number shown (CLIP)", "acr": "anonymous calls refused (ACR)", "tir": "connected number withheld (TIR)",
	"override": "withholding overridden", "mcid": "malicious calls marked (MCID)", "shield_on_bills": "shielded on bills",
	"none": "no", "temporary-restricted": "call by call, withheld otherwise", "temporary-allowed": "call by call, shown otherwise", "temporary": "call by call",
	"true": "yes", "false": "no",
}

// dutchKept are the parts of sentences with figures in them.
var dutchKept = [][2]string{
	{"; cases until three months after closing", "; zaken tot drie maanden na sluiting"},
	{"calls ", "oproepen "}, {" months (internet telephony ", " maanden (internettelefonie "}, {", messages ", ", berichten "},
}

var dutch = map[string]string{
	// the register of processing
	forPresentation: "weergave van het oproepende nummer", forTransmission: "overbrengen van oproepen",
	forEmergency: "noodoproepen", forNuisance: "onderzoek van hinderlijke oproepen",
	forBills: "afscherming op rekeningen", forRights: "beantwoorden van verzoeken van de abonnee",
	toCalled: "de opgeroepene", toNetworks: "netwerken waar de oproep langs gaat", toEmergency: "de alarmcentrale",
	toClaimant: "de klager, na een waarschuwing (art. 11.11 Tw)", toProviders: "andere aanbieders",
	"the called party, unless withheld": "de opgeroepene, tenzij afgeschermd", "number and its services": "nummer en zijn diensten",
	"calls": "oproepen", "calls to emergency numbers": "oproepen naar alarmnummers", "calls; cases": "oproepen; zaken",
	"number and date": "nummer en datum", "requests, objections and corrections": "verzoeken, bezwaren en correcties",
	"as long as the service lasts": "zolang de dienst duurt", "nobody": "niemand",
	"a year after they are answered; objections as long as they are in force": "een jaar na het antwoord; bezwaren zolang zij gelden",

	// headings
	"Personal data held on": "Persoonsgegevens bij nummer", "As of": "Stand van",
	"Numbers that others withheld are left out, and so is whom a call was forwarded to.": "Nummers die anderen hebben afgeschermd zijn weggelaten, en ook waarheen een oproep is doorgeschakeld.",
	"What for": "Waarvoor", "Purpose": "Doel", "Data": "Gegevens", "Recipients": "Ontvangers", "Kept": "Bewaartermijn",
	"Services": "Diensten", "For": "Doel", "Given to": "Verstrekt aan", "Shielding on other people's bills": "Afscherming op rekeningen van anderen",
	"From": "Vanaf", "Until": "Tot", "Source": "Herkomst", "Calls and messages": "Oproepen en berichten",
	"Only the latest are listed; ask for the others.": "Alleen de laatste zijn vermeld; vraag om de andere.",
	"Begun": "Begin", "Number": "Nummer", "Answered": "Beantwoord", "Ended": "Einde", "Deleted after": "Verwijderd na", "Direction": "Richting",
	"made": "gemaakt", "received": "ontvangen", "forwarded": "doorgeschakeld", "withheld": "afgeschermd", "from address": "vanaf adres", "Record": "Kenmerk", "shown by the device": "door het toestel getoond",
	"Correction": "Correctie", "Complaints about nuisance calls": "Meldingen van hinderlijke oproepen", "Reference": "Kenmerk",
	"Opened": "Geopend", "State": "Stand", "Nuisance": "Hinder", "Calls marked as malicious": "Als kwaadwillig gemarkeerde oproepen",
	"Call": "Oproep", "Marked": "Gemarkeerd", "How": "Hoe", "Cases about calls from this number": "Zaken over oproepen vanaf dit nummer",
	"Warned": "Gewaarschuwd", "Calls": "Oproepen", "Disclosed": "Verstrekt", "Requests, objections and corrections": "Verzoeken, bezwaren en correcties",
	"Received": "Ontvangen", "Right": "Recht", "What": "Wat", "Answer": "Antwoord", "granted": "toegewezen", "not granted": "afgewezen",
	"three months after closing": "drie maanden na sluiting", "a year after the answer": "een jaar na het antwoord", "before": "voorheen", "after": "nu", "why": "reden",

	"from": "vanaf", "Claimant": "Melder", "Dates and times": "Data en tijden", "Caller": "Beller", "answer due": "antwoord uiterlijk", "Lifted": "Ingetrokken",
	"not answered": "niet beantwoord", "none are held": "geen bewaard", "nothing": "niets",
	"a year after it is lifted or not granted": "een jaar na intrekking of afwijzing",

	// values
	"text message": "bericht", "signalling": "signalering",
	"access": "inzage", "correction": "correctie", "objection": "bezwaar", "reports": "rapportages",
	"open": "open", "selected": "in onderzoek", "warned": "gewaarschuwd", "requested": "verstrekking gevraagd", "disclosed": "verstrekt", "closed": "gesloten",
	"code": "met code", "message": "met bericht", "always": "altijd", "unanswered": "onbeantwoord",
	"call": "oproep", "address": "adres", "rule": "dienst", "shielding": "afscherming",
	"clir": "nummer afschermen (CLIR)", "clip": "nummerweergave (CLIP)", "acr": "anonieme oproepen weigeren (ACR)", "tir": "verbonden nummer afschermen (TIR)",
	"override": "afscherming doorbreken", "mcid": "kwaadwillige oproepen markeren (MCID)", "shield_on_bills": "afgeschermd op rekeningen", "note": "aantekening", "until": "tot",
	"none": "nee", "permanent": "permanent", "temporary-restricted": "per oproep, anders afgeschermd", "temporary-allowed": "per oproep, anders getoond", "temporary": "per oproep",
	"true": "ja", "false": "nee",
}
