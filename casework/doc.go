// Package casework is the way from a written complaint about withheld calls to the
// caller, as the law lays it down (Tw 11.11; promise 6): claim, search within the claim,
// choice, warning, new incident, disclosure asked for by one person and granted by
// another, notice to the caller, closing. The procedure is a table of states; no method
// walks around it, and every look at a case is audited before it is answered.
//
// The package knows neither SQL, HTTP nor SIP. What it stores is sealed under a key of
// the case; three months after closing the key is destroyed (LAW-13).
package casework
