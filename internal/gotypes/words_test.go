package gotypes

import "testing"

func TestNamesTakeTheFormOfGo(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][3]string{ // Go name, parameter, file
		"email":           {"Email", "email", "email"},
		"account_id":      {"AccountID", "accountID", "account_id"},
		"accountId":       {"AccountID", "accountID", "account_id"},
		"AccountID":       {"AccountID", "accountID", "account_id"},
		"account_ids":     {"AccountIDs", "accountIDs", "account_ids"},
		"accountIDs":      {"AccountIDs", "accountIDs", "account_ids"},
		"id":              {"ID", "id", "id"},
		"HTTPServer":      {"HTTPServer", "httpServer", "http_server"},
		"push_ios":        {"PushIos", "pushIos", "push_ios"},
		"account.closed":  {"AccountClosed", "accountClosed", "account_closed"},
		"send-email":      {"SendEmail", "sendEmail", "send_email"},
		"type":            {"Type", "typeValue", "type"},
		"string":          {"String", "stringValue", "string"},
		"context":         {"Context", "contextValue", "context"},
		"login_2fa":       {"Login2fa", "login2fa", "login_2fa"},
		"v2Beta":          {"V2Beta", "v2Beta", "v2_beta"},
		"ACCOUNT_CLOSED":  {"AccountClosed", "accountClosed", "account_closed"},
		"USD":             {"USD", "usd", "usd"},
		"x":               {"X", "x", "x"},
		"trailing_":       {"Trailing", "trailing", "trailing"},
		"a__b":            {"AB", "aB", "a_b"},
		"user_url_and_ip": {"UserURLAndIP", "userURLAndIP", "user_url_and_ip"},
		"idsOfURLsForXML": {"IDsOfURLsForXML", "idsOfURLsForXML", "ids_of_urls_for_xml"},
		"JSONAPIKey":      {"JSONAPIKey", "jsonapiKey", "jsonapi_key"},
	} {
		if have := [3]string{goName(name), paramName(name), fileStem(name)}; have != want {
			t.Errorf("%s is %q, want %q", name, have, want)
		}
	}
}

func TestEveryEnumValueHasAName(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"active": "StatusActive", "account.closed": "StatusAccountClosed", "2": "Status2", "": "StatusEmpty", "+": "StatusPlus",
		"<=": "StatusLessEqual", "été": "StatusÉté", "日本": "Status日本", "😀": "StatusU1F600", " a ": "StatusA", "ON_HOLD": "StatusOnHold",
	} {
		if have := enumName("Status", value); have != want {
			t.Errorf("%q is %s, want %s", value, have, want)
		}
	}
}

func TestEveryQueueHasAnExportedName(t *testing.T) {
	t.Parallel()
	for queue, want := range map[string]string{
		"emails": "Emails", "email-bulk": "EmailBulk", "sms": "SMS", "a b/c": "ABC", "2fa": "Q2fa", "über": "Über", "日本": "Q日本", "+": "Plus", "§": "U00A7",
	} {
		if have := queueName(queue); have != want {
			t.Errorf("queue %q is %s, want %s", queue, have, want)
		}
	}
}
