package gotypes

import (
	"fmt"
	"go/token"
	"strings"
	"unicode"
)

// Words that Go writes in one case, as golint and its successors have them,
// and some that payloads often hold.
var initialisms = set("ACL API ASCII CIDR CPU CSS CSV DNS EOF GUID HTML HTTP HTTPS IBAN ID IP JSON JWT LHS OS PDF PNG QPS RAM RHS RPC SLA SMS SMTP SQL SSH SSL TCP TLS TTL UDP UI UID URI URL URN UTC UTF8 UUID VAT VM XML XMPP XSRF XSS YAML")

func set(words string) map[string]bool {
	s := make(map[string]bool)
	for word := range strings.FieldsSeq(words) {
		s[word] = true
	}
	return s
}

// split returns the words of a name: parted by what is neither letter nor
// digit, and where a capital follows a small letter or begins a word after
// capitals ("HTTPServer").
func split(name string) []string {
	var words []string
	var word []rune
	end := func() {
		if len(word) > 0 {
			words = append(words, string(word))
		}
		word = nil
	}
	runes := []rune(name)
	for i, r := range runes {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			end()
			continue
		}
		if unicode.IsUpper(r) && i > 0 {
			before := runes[i-1]
			startsWord := unicode.IsUpper(before) && i+1 < len(runes) && unicode.IsLower(runes[i+1]) && !plural(runes[i-1:], word)
			if unicode.IsLower(before) || unicode.IsDigit(before) || startsWord {
				end()
			}
		}
		word = append(word, r)
	}
	end()
	return words
}

// plural reports whether the capital in the middle of rest ends an initialism
// in the plural, as in "accountIDs".
func plural(rest []rune, word []rune) bool {
	if len(rest) < 3 || rest[2] != 's' || len(rest) > 3 && (unicode.IsLower(rest[3]) || unicode.IsDigit(rest[3])) {
		return false
	}
	return initialisms[strings.ToUpper(string(append(append([]rune{}, word...), rest[1])))]
}

// goWord returns word as it stands in an exported Go name.
func goWord(word string) string {
	upper := strings.ToUpper(word)
	if initialisms[upper] {
		return upper
	}
	if stem, ok := strings.CutSuffix(upper, "S"); ok && initialisms[stem] {
		return stem + "s"
	}
	runes := []rune(word)
	runes[0] = unicode.ToUpper(runes[0])
	return string(runes)
}

// goWords splits name for a Go name. Capitals stay, unless several words are
// written in nothing else: USD stays, ACCOUNT_CLOSED is AccountClosed.
func goWords(name string) []string {
	words := split(name)
	if len(words) > 1 && strings.ToUpper(name) == name {
		return split(strings.ToLower(name))
	}
	return words
}

// goName returns name as an exported Go name.
func goName(name string) string {
	var b strings.Builder
	for _, word := range goWords(name) {
		b.WriteString(goWord(word))
	}
	return b.String()
}

// fileStem returns name as the beginning of a file's name: in small letters,
// without the dots at which the go command would look for a platform.
func fileStem(name string) string { return strings.ToLower(strings.Join(split(name), "_")) }

// paramName returns name as a parameter, which hides nothing that Go predeclares
// or generated code imports.
func paramName(name string) string {
	words := goWords(name)
	param := strings.ToLower(words[0])
	for _, word := range words[1:] {
		param += goWord(word)
	}
	if token.IsKeyword(param) || hidden[param] {
		param += "Value"
	}
	return param
}

// What a parameter would hide.
var hidden = set("any append bool byte cap clear close comparable complex complex64 complex128 context copy delete error false float32 float64 imag int int8 int16 int32 int64 iota json len make max min new nil panic print println real recover rune runtime snowflake string time true uint uint8 uint16 uint32 uint64 uintptr")

// enumName returns the Go constant of an enum's value. A value without letters
// and digits is spelled out.
func enumName(typeName, value string) string {
	if name := goName(value); name != "" {
		return typeName + name
	}
	if value == "" {
		return typeName + "Empty"
	}
	return typeName + spelled(value)
}

// queueName returns the name of a queue, which is any text, as the beginning of
// exported Go names.
func queueName(queue string) string {
	name := goName(queue)
	if name == "" {
		name = spelled(queue)
	}
	if !token.IsExported(name) {
		name = "Q" + name
	}
	return name
}

// spelled returns a text without letters and digits in words.
func spelled(text string) string {
	var b strings.Builder
	for _, r := range text {
		if name, ok := characters[r]; ok {
			b.WriteString(name)
		} else {
			fmt.Fprintf(&b, "U%04X", r)
		}
	}
	return b.String()
}

var characters = map[rune]string{
	' ': "Space", '\t': "Tab", '\n': "Newline", '!': "Exclamation", '"': "Quote", '#': "Hash", '$': "Dollar", '%': "Percent",
	'&': "Ampersand", '\'': "Apostrophe", '(': "OpenParenthesis", ')': "CloseParenthesis", '*': "Asterisk", '+': "Plus",
	',': "Comma", '-': "Minus", '.': "Dot", '/': "Slash", ':': "Colon", ';': "Semicolon", '<': "Less", '=': "Equal",
	'>': "Greater", '?': "Question", '@': "At", '[': "OpenBracket", '\\': "Backslash", ']': "CloseBracket", '^': "Caret",
	'_': "Underscore", '`': "Backquote", '{': "OpenBrace", '|': "Bar", '}': "CloseBrace", '~': "Tilde",
}
