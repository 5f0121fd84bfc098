# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""PayPal's error answers, with the texts of its own descriptions."""

from ..common.refusals import Refusal

DOCS = 'https://developer.paypal.com/docs/api'
#: status -> name and message
NAMES = {
    400: (
        'INVALID_REQUEST',
        "Request is not well-formed, syntactically incorrect, or violates schema.",
    ),
    401: (
        'AUTHENTICATION_FAILURE',
        "Authentication failed due to missing authorization header, or invalid authentication"
        " credentials.",
    ),
    403: ('NOT_AUTHORIZED', "Authorization failed due to insufficient permissions."),
    404: ('RESOURCE_NOT_FOUND', "The specified resource does not exist."),
    409: (
        'RESOURCE_CONFLICT',
        "The server has detected a conflict while processing this request.",
    ),
    415: (
        'UNSUPPORTED_MEDIA_TYPE',
        "The server does not support the request payload's media type.",
    ),
    422: (
        'UNPROCESSABLE_ENTITY',
        "The requested action could not be performed, semantically incorrect, or failed business"
        " validation.",
    ),
    429: ('RATE_LIMIT_REACHED', "Too many requests. Blocked due to rate limiting."),
    500: ('INTERNAL_SERVER_ERROR', "An internal server error occurred."),
    503: ('SERVICE_UNAVAILABLE', "Service Unavailable."),
}
#: issue -> description, by the status it comes with
ISSUES = {
    400: {
        'INVALID_ARRAY_MAX_ITEMS': "The number of items in an array parameter is too large.",
        'INVALID_ARRAY_MIN_ITEMS': "The number of items in an array parameter is too small.",
        'INVALID_PARAMETER_SYNTAX': "The value of a field does not conform to the expected format.",
        'INVALID_STRING_LENGTH': "The value of a field is either too short or too long",
        'INVALID_PARAMETER_VALUE': "A parameter value is not valid.",
        'MISSING_REQUIRED_PARAMETER': "A required parameter is missing.",
        'NOT_SUPPORTED': "This field is not currently supported.",
        'PAYPAL_REQUEST_ID_REQUIRED': "A PayPal-Request-Id is required if you are trying to process"
        " payment for an Order. Please specify a PayPal-Request-Id or Create the Order without a"
        " 'payment_source' specified.",
        'MALFORMED_REQUEST_JSON': "The request JSON is not well formed.",
    },
    403: {
        'PERMISSION_DENIED': "You do not have permission to access or perform operations on this"
        " resource.",
    },
    404: {
        'INVALID_RESOURCE_ID': "Specified resource ID does not exist. Please check the resource ID"
        " and try again.",
    },
    409: {
        'PREVIOUS_REQUEST_IN_PROGRESS': "A previous request on this resource is currently in"
        " progress. Please wait for sometime and try again. It is best to space out the initial and"
        " the subsequent request(s) to avoid receiving this error.",
    },
    422: {
        'AMOUNT_MISMATCH': "Should equal item_total + tax_total + shipping + handling + insurance -"
        " shipping_discount - discount.",
        'CANNOT_BE_NEGATIVE': "Must be greater than or equal to 0. If the currency supports"
        " decimals, only two decimal place precision is supported.",
        'CANNOT_BE_ZERO_OR_NEGATIVE': "Must be greater than zero. If the currency supports"
        " decimals, only two decimal place precision is supported.",
        'CAPTURE_FULLY_REFUNDED': "The capture has already been fully refunded",
        'COMPLIANCE_VIOLATION': "Transaction is declined due to compliance violation.",
        'CURRENCY_MISMATCH': "The currency of the amounts must be the same.",
        'DECIMALS_NOT_SUPPORTED': "Currency does not support decimals.",
        'DECIMAL_PRECISION': "If the currency supports decimals, only two decimal place precision"
        " is supported.",
        'DOMESTIC_TRANSACTION_REQUIRED': "This transaction requires the payee and payer to be"
        " resident in the same country, a domestic transaction is required to create this payment.",
        'DUPLICATE_INVOICE_ID': "Duplicate Invoice ID detected. To avoid a potential duplicate"
        " transaction your account setting requires that Invoice Id be unique for each"
        " transaction.",
        'INSTRUMENT_DECLINED': "The instrument presented  was either declined by the processor or"
        " bank, or it can't be used for this payment.",
        'INVALID_CURRENCY_CODE': "Currency code is invalid or is not currently supported. Please"
        " refer https://developer.paypal.com/api/rest/reference/currency-codes/ for list of"
        " supported currency codes.",
        'ITEM_TOTAL_MISMATCH': "Should equal sum of (unit_amount * quantity) across all items for a"
        " given purchase_unit.",
        'ITEM_TOTAL_REQUIRED': "If item details are specified (items.unit_amount and"
        " items.quantity) corresponding amount.breakdown.item_total is required.",
        'MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED': "You have exceeded the maximum number of payment"
        " attempts.",
        'MAX_VALUE_EXCEEDED': "Should be less than or equal to 999999999999999.99.",
        'MULTI_CURRENCY_ORDER': "Multiple differing values of currency_code are not supported."
        " Entire Order request must have the same currency_code.",
        'ORDER_ALREADY_CAPTURED': "Order already captured.If 'intent=CAPTURE' only one capture per"
        " order is allowed.",
        'ORDER_NOT_APPROVED': "Payer has not yet approved the Order for payment. Please redirect"
        " the payer to the 'rel':'approve' url returned as part of the HATEOAS links within the"
        " Create Order call or provide a valid `payment_source` in the request.",
        'PAYEE_ACCOUNT_INVALID': "Payee account specified is invalid. Please check the"
        " `payee.email_address` or `payee.merchant_id` specified and try again. Ensure that either "
        " `payee.merchant_id` or `payee.email_address` is specified.",
        'PAYEE_ACCOUNT_LOCKED_OR_CLOSED': "The merchant account is locked or closed.",
        'PAYEE_ACCOUNT_RESTRICTED': "The merchant account is restricted.",
        'PAYEE_BLOCKED_TRANSACTION': "The Fraud settings for this seller are such that this payment"
        " cannot be executed.",
        'PAYER_ACCOUNT_LOCKED_OR_CLOSED': "The payer account cannot be used for this transaction.",
        'PAYER_ACCOUNT_RESTRICTED': "PAYER_ACCOUNT_RESTRICTED",
        'PAYER_ACTION_REQUIRED': "Transaction cannot complete successfully, instruct the buyer to"
        " return to PayPal.",
        'PAYER_CANNOT_PAY': "Payer cannot pay for this transaction. Please contact the payer to"
        " find other ways to pay for this transaction.",
        'PENDING_CAPTURE': "Cannot initiate a refund as the capture is pending. Capture is"
        " typically pending when the payer has funded the transaction using e-check/bank funded.",
        'REDIRECT_PAYER_FOR_ALTERNATE_FUNDING': "Transaction failed. Redirect the payer to select"
        " another funding source.",
        'REFUND_AMOUNT_EXCEEDED': "The refund amount must be less than or equal to the capture"
        " amount that has not yet been refunded.",
        'REFUND_CAPTURE_CURRENCY_MISMATCH': "Refund must be in the same currency as the capture",
        'REFUND_FAILED_INSUFFICIENT_FUNDS': "Capture could not be refunded due to insufficient"
        " funds. Please check to see if you have sufficient funds in your PayPal account or if the"
        " bank account linked to your PayPal account is verified and has sufficient funds.",
        'REFUND_NOT_ALLOWED': "Capture cannot be refunded.",
        'REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK': "Refunds are not allowed on this capture due to a"
        " chargeback on the card or bank. Please contact the payee to resolve the chargeback.",
        'REFUND_TIME_LIMIT_EXCEEDED': "You are over the time limit to perform a refund on this"
        " capture",
        'TAX_TOTAL_MISMATCH': "Should equal sum of (tax * quantity) across all items for a given"
        " purchase_unit.",
        'TAX_TOTAL_REQUIRED': "If item details are specified (items.tax_total and items.quantity)"
        " corresponding amount.breakdown.tax_total is required.",
        'TRANSACTION_BLOCKED_BY_PAYEE': "Transaction blocked by Payee’s Fraud Protection settings.",
        'TRANSACTION_DISPUTED': "Partial refunds cannot be offered at this time because there is an"
        " open case on this transaction. Visit the PayPal Resolution Center to review this case.",
        'TRANSACTION_LIMIT_EXCEEDED': "Total payment amount exceeded transaction limit.",
        'TRANSACTION_RECEIVING_LIMIT_EXCEEDED': "The transaction exceeds the receiver's receiving"
        " limit.",
        'TRANSACTION_REFUSED': "The request was refused.",
    },
}
#: The same issue, described otherwise.
CAPTURE_DESCRIPTIONS = {'MISSING_REQUIRED_PARAMETER': "A required field / parameter is missing"}
REFERRAL_DESCRIPTIONS = {
    'INVALID_PARAMETER_SYNTAX': "the value of a field does not conform to the expected format",
    'INVALID_PARAMETER_VALUE': "the value of a field is invalid",
    'INVALID_STRING_LENGTH': "the value of a field is either too short or too long",
}
REFUND_DESCRIPTIONS = {
    'DUPLICATE_INVOICE_ID': "Invoice ID was previously used to refund a capture.",
    'PAYEE_ACCOUNT_LOCKED_OR_CLOSED': "Transaction could not complete because payee account is"
    " locked or closed.",
    'PAYEE_ACCOUNT_RESTRICTED': "Payee account is restricted.",
}


class PayPalError(Refusal):
    """An error with the status and the body that PayPal would send, its debug id apart.

    :param list details: what is wrong, each with its `issue`.
    :param list links: where to go on from here.
    """

    def __init__(self, status, details=(), name='', message='', links=()):
        usual = NAMES.get(status) or NAMES[500 if status >= 500 else 400]
        body = {'name': name or usual[0], 'message': message or usual[1]}
        if details:
            body['details'] = list(details)
        if links:
            body['links'] = list(links)
        super().__init__(status, body['message'], body)


class TokenError(Refusal):
    """An error of whoever guards the door: other texts, another shape."""

    def __init__(self, status, error, description):
        super().__init__(status, description, {'error': error, 'error_description': description})


def detail(issue, field='', value=None, location='body', descriptions=None):
    """Return one entry of an error's details.

    :param str field: JSON pointer of what is meant.
    :param dict descriptions: descriptions that differ from the usual ones.
    """
    entry = {'issue': issue, 'description': (descriptions or {}).get(issue) or described(issue)[1]}
    if field:
        entry.update(field=field, location=location)
    if isinstance(value, (str, int, float)):
        entry['value'] = str(value)
    return entry


def described(issue):
    """Return the status and the description of an issue.

    :raise Refusal: PayPal has no such issue.
    """
    for status, issues in ISSUES.items():
        if issue in issues:
            return status, issues[issue]
    raise Refusal(400, f"Unknown issue: {issue}")


def refused(issue, field='', value=None, location='body', descriptions=None, links=()):
    """Return the error of one issue."""
    more = {'href': f'{DOCS}/orders/v2/#error-{issue}', 'rel': 'information_link', 'method': 'GET'}
    return PayPalError(
        described(issue)[0],
        [detail(issue, field, value, location, descriptions)],
        links=[more, *links],
    )


def not_found(field, value):
    """A resource that this account does not have."""
    return refused('INVALID_RESOURCE_ID', f'/{field}', value, 'path')


def bad_request(message, field='', name='VALIDATION_ERROR', status=400):
    """What the older APIs refuse, each with its own texts.

    :param str field: which one it is about; the whole request without.
    """
    details = [{'field': field, 'issue': message}] if field else []
    error = PayPalError(status, name=name, message="Invalid data provided" if field else message)
    error.body.update(details=details, information_link=f'{DOCS}/webhooks/#errors', links=[])
    return error


def unknown_resource():
    """A resource of the older APIs that this account does not have."""
    return bad_request("Resource id is invalid", '', 'INVALID_RESOURCE_ID', 404)
