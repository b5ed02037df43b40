"""The numbers that can be bought, as the AvailablePhoneNumber resources list them.

Follows Twilio's AvailablePhoneNumber Local, Mobile and TollFree resources. The numbers are those that are kept free for
fiction: 555-0100 to 555-0199 in each area of North America, and Ofcom's 01632 960 and 07700 900 in the United Kingdom.
"""

from collections.abc import Iterator, Mapping

from telebridge.simulator.resources.call import API_VERSION, formatted
from telebridge.simulator.resources.problems import ApiProblem

KINDS = {"Local": "local", "Mobile": "mobile", "TollFree": "toll_free"}
COUNTRIES = {"US": "United States", "CA": "Canada", "GB": "United Kingdom"}
AREAS = {"US": ("201", "415", "510", "650", "907"), "CA": ("416", "604", "514")}
TOLL_FREE = ("800", "833", "844", "888")
EACH = 100
DEFAULT_SIZE = 50


def countries_json(account_sid: str) -> dict[str, object]:
    """Return the list of countries."""
    uri = f"/{API_VERSION}/Accounts/{account_sid}/AvailablePhoneNumbers.json"
    return {"countries": [country_json(account_sid, code) for code in COUNTRIES], "uri": uri}


def country_json(account_sid: str, country: str) -> dict[str, object]:
    """Return one country.

    Raises:
        ApiProblem: There are no numbers in it.
    """
    if country not in COUNTRIES:
        raise ApiProblem(404, 20404, f"/{API_VERSION}/Accounts/{account_sid}/AvailablePhoneNumbers/{country}.json")
    uri = f"/{API_VERSION}/Accounts/{account_sid}/AvailablePhoneNumbers/{country}"
    kinds = {key: f"{uri}/{kind}.json" for kind, key in KINDS.items()}
    name = COUNTRIES[country]
    return {"country_code": country, "country": name, "beta": False, "uri": f"{uri}.json", "subresource_uris": kinds}


def offered_json(
    account_sid: str, country: str, kind: str, query: Mapping[str, str], owned: set[str]
) -> dict[str, object]:
    """Return the numbers that a search finds.

    Raises:
        ApiProblem: There are no such numbers, or the size of the page is not valid.
    """
    if country not in COUNTRIES or kind not in KINDS:
        raise ApiProblem(
            404, 20404, f"/{API_VERSION}/Accounts/{account_sid}/AvailablePhoneNumbers/{country}/{kind}.json"
        )
    size = query.get("PageSize") or str(DEFAULT_SIZE)
    if not size.isdecimal():
        raise ApiProblem(400, 20422, "PageSize")
    wanted, area = query.get("Contains", "").strip("+*%"), query.get("AreaCode", "")
    found = [
        number
        for number in _numbers(country, kind, area)
        if number not in owned and wanted.replace("*", "") in number and _offers(query, number)
    ]
    uri = f"/{API_VERSION}/Accounts/{account_sid}/AvailablePhoneNumbers/{country}/{kind}.json"
    return {"available_phone_numbers": [_offer(number, country) for number in found[: int(size)]], "uri": uri}


def is_offered(number: str) -> bool:
    """Whether a number can be bought."""
    return any(number in _numbers(country, kind, "") for country in COUNTRIES for kind in KINDS) or (
        number.startswith("+1") and len(number) == 12 and number[5:8] == "555" and number[8:10] == "01"
    )


def first_free(area: str, owned: set[str]) -> str:
    """Return a number of an area of North America that can be bought.

    Raises:
        ApiProblem: There is none.
    """
    for number in _numbers("US", "Local", area):
        if number not in owned:
            return number
    raise ApiProblem(400, 21422, area)


def _numbers(country: str, kind: str, area: str) -> Iterator[str]:
    if country == "GB":
        prefix = {"Local": "+441632960", "Mobile": "+447700900"}.get(kind)
        return (f"{prefix}{index:03}" for index in range(EACH) if prefix)
    areas = TOLL_FREE if kind == "TollFree" else AREAS[country] if kind == "Local" else ()
    if area.isdecimal() and len(area) == 3 and kind == "Local":
        areas = (area,)
    return (f"+1{each}55501{index:02}" for each in areas for index in range(EACH))


def _offers(query: Mapping[str, str], number: str) -> bool:
    """Whether a number has what the search asks for: voice and text, and pictures in North America."""
    return query.get("MmsEnabled", "").lower() != "true" or number.startswith("+1")


def _offer(number: str, country: str) -> dict[str, object]:
    return {
        "friendly_name": formatted(number),
        "phone_number": number,
        "lata": None,
        "locality": None,
        "rate_center": None,
        "latitude": None,
        "longitude": None,
        "region": None,
        "postal_code": None,
        "iso_country": country,
        "address_requirements": "none",
        "beta": False,
        "capabilities": {"voice": True, "SMS": True, "MMS": number.startswith("+1")},
    }
