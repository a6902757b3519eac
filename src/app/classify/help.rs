//! What the help of `keylease classify` ends with.

/// What the help ends with.
pub(in crate::app) const HELP: &str = "\
One response is read as curl -i prints it: a status line, headers, an empty line, the body. Or as one JSON object of the form below.

With --jsonl, standard input has many, one a line:
  {\"provider\": \"groq\", \"status\": 429, \"headers\": {\"retry-after\": \"2\"}, \"body\": \"{\\\"error\\\": …}\"}
and each is answered by one line:
  {\"class\": \"rate_limit\", \"scope\": \"account_model\", \"retry_after_ms\": 2000, \"advice\": \"retry_other_key\", \"rule\": \"rate/code\"}
A response that is no failure has null everywhere; a line that cannot be read has an `error` besides, and makes the exit code 1.
A failure that no rule explains gets the likeliest class, by a rule status/unexplained…, and has \"guess\": true besides; no key is blamed for
such a one. A provider that is not known is judged by the generic rules. A status of 0 means that no answer came; the body then says why.
Times of day are measured against the response's Date. Without one, --jsonl takes them to state nothing; one response alone is taken
to have been received just now.

Examples:
  curl -si https://api.openai.com/v1/models | keylease classify --profile openai
  keylease classify --jsonl < failures.jsonl
  keylease classify --profile openai --rules rules.toml < response.txt

A file of rules for --rules, and for `keylease pools update POOL --failure-rules`:
  version = 1
  # A reseller says 403 while its invoice is open.
  [[rule]]
  id = \"invoice\"            # the verdict says: rule pool/invoice
  status = [\"403\"]          # also \"5xx\", \"520-530\"
  codes = [\"invoice_open\"]  # a code anywhere in the body; also \"invoice*\"
  class = \"quota\"
  scope = \"account\"         # unless the class's usual one is meant
  cooldown = \"2h\"           # where the response states nothing; quota and rate_limit only
All conditions of a rule must hold; of a list, one. Others are text, also, unless and address (regular expressions, lower case),
headers and fields (name = \"value\"), body and stated_over.";
