"""The error responses of the REST API.

Follows Twilio's "REST API best practices" (the shape of an error) and its error dictionary.
"""

from telebridge.errors import TelebridgeError

MESSAGES = {
    20001: "{}",
    20003: "Authenticate",
    20004: "Method not allowed",
    20009: "The resource {} cannot be deleted now",
    20404: "The requested resource {} was not found",
    20429: "Too Many Requests",
    20422: "Invalid Parameter {}",
    20500: "An internal server error has occurred",
    21201: "No 'To' number is specified",
    21205: "Url is not a valid URL: {}",
    21206: "SendDigits contains an invalid digit: {}",
    21208: "Timeout must be a number of seconds from 1 to 600: {}",
    21210: "The source phone number provided, {}, is not yet verified for your account.",
    21211: "The phone number you are attempting to call, {}, is not valid.",
    21212: "The source phone number provided, {}, is not valid.",
    21213: "No 'From' number is specified",
    21214: "The phone number you are attempting to call, {}, cannot be reached.",
    21215: "Account not authorized to call {}.",
    21216: "Account not allowed to call {}.",
    21217: "Phone number {} does not appear to be valid.",
    21218: "ApplicationSid is not valid: {}",
    21219: "The number {} is unverified. Trial accounts may only make calls to verified numbers.",
    21220: "Call is not in-progress. Cannot redirect.",
    21234: "MachineDetection is not valid: {}",
    21421: "PhoneNumber {} is not valid or not available",
    21422: "PhoneNumber {} is not available",
    21604: "A 'To' phone number is required.",
    21602: "A text message body or media urls must be specified.",
    21603: "A 'From' phone number is required.",
    21606: "The 'From' phone number {} is not a valid, message-capable phone number for your account.",
    21608: "The number {} is unverified. Trial accounts cannot send messages to unverified numbers.",
    21617: "The concatenated message body exceeds the 1600 character limit",
    21609: "The 'StatusCallback' URL {} is not a valid URL.",
    21626: "The 'StatusCallbackEvent' {} is not valid.",
}


class ApiProblem(TelebridgeError):
    """An error response of the REST API.

    Args:
        status: The HTTP status.
        code: Twilio's error code.
        about: The value or path that is wrong, for the message.
    """

    def __init__(self, status: int, code: int, about: str = "") -> None:
        super().__init__(status, code, about)
        self.status = status
        self.code = code
        self.about = about

    def as_json(self) -> dict[str, object]:
        """Return the body of the response."""
        return {
            "code": self.code,
            "message": MESSAGES.get(self.code, "Invalid Parameter {}").format(self.about),
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }
