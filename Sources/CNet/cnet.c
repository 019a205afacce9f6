#include "cnet.h"

#include <stddef.h>

int cnet_set_long(CURL *transfer, int option, long value) {
    return (int)curl_easy_setopt(transfer, (CURLoption)option, value);
}

int cnet_set_string(CURL *transfer, int option, const char *value) {
    return (int)curl_easy_setopt(transfer, (CURLoption)option, value);
}

int cnet_set_list(CURL *transfer, int option, struct curl_slist *list) {
    return (int)curl_easy_setopt(transfer, (CURLoption)option, list);
}

int cnet_set_body(CURL *transfer, const void *bytes, int64_t size) {
    CURLcode code = curl_easy_setopt(transfer, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
    if (code == CURLE_OK) code = curl_easy_setopt(transfer, CURLOPT_COPYPOSTFIELDS, bytes);
    return (int)code;
}

int cnet_set_form(CURL *transfer, curl_mime *form) {
    return (int)curl_easy_setopt(transfer, CURLOPT_MIMEPOST, form);
}

int cnet_set_receivers(CURL *transfer, cnet_receiver header, cnet_receiver body, void *context) {
    CURLcode code = curl_easy_setopt(transfer, CURLOPT_HEADERFUNCTION, header);
    if (code == CURLE_OK) code = curl_easy_setopt(transfer, CURLOPT_HEADERDATA, context);
    if (code == CURLE_OK) code = curl_easy_setopt(transfer, CURLOPT_WRITEFUNCTION, body);
    if (code == CURLE_OK) code = curl_easy_setopt(transfer, CURLOPT_WRITEDATA, context);
    if (code == CURLE_OK) code = curl_easy_setopt(transfer, CURLOPT_PRIVATE, context);
    return (int)code;
}

int cnet_set_beginning(CURL *transfer, cnet_beginning beginning) {
    CURLcode code = curl_easy_setopt(transfer, CURLOPT_PREREQFUNCTION, beginning);
    if (code == CURLE_OK) code = curl_easy_setopt(transfer, CURLOPT_PREREQDATA, transfer);
    return (int)code;
}

int cnet_sent(CURL *transfer) {
    long head = 0;
    curl_off_t body = 0;
    // An unknown amount counts as sent: "unsent" has to be a proof.
    if (curl_easy_getinfo(transfer, CURLINFO_REQUEST_SIZE, &head) != CURLE_OK) return 1;
    if (curl_easy_getinfo(transfer, CURLINFO_SIZE_UPLOAD_T, &body) != CURLE_OK) return 1;
    return head > 0 || body > 0;
}

void *cnet_context(CURL *transfer) {
    char *context = NULL;
    if (curl_easy_getinfo(transfer, CURLINFO_PRIVATE, &context) != CURLE_OK) return NULL;
    return context;
}

long cnet_status(CURL *transfer) {
    long status = 0;
    if (curl_easy_getinfo(transfer, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK) return 0;
    return status;
}

int cnet_next_finished(CURLM *multi, struct cnet_finished *finished) {
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) continue;
        finished->transfer = message->easy_handle;
        finished->result = (int)message->data.result;
        return 1;
    }
    return 0;
}
