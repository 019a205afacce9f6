#ifndef CNET_H
#define CNET_H

/// The variadic half of libcurl, which Swift cannot call: options and information of one transfer, typed.
/// Everything else of libcurl is called directly. Each function returns libcurl's own code (0 is success).

#include <curl/curl.h>
#include <stdint.h>

/// Sets an option that takes a long. `option` is a CURLOPT_ number.
int cnet_set_long(CURL *transfer, int option, long value);

/// Sets an option that takes a string, which libcurl copies.
int cnet_set_string(CURL *transfer, int option, const char *value);

/// Sets an option that takes a list of strings, which must outlive the transfer.
int cnet_set_list(CURL *transfer, int option, struct curl_slist *list);

/// Gives the transfer `size` bytes as its body; libcurl copies them.
int cnet_set_body(CURL *transfer, const void *bytes, int64_t size);

/// Gives the transfer a multipart form as its body; the form must outlive the transfer.
int cnet_set_form(CURL *transfer, curl_mime *form);

/// Called with a piece of a response. Returns how many bytes were taken, or CURL_WRITEFUNC_PAUSE.
typedef size_t (*cnet_receiver)(char *bytes, size_t one, size_t size, void *context);

/// Sets who receives header lines and who receives the body. `context` goes to both.
int cnet_set_receivers(CURL *transfer, cnet_receiver header, cnet_receiver body, void *context);

/// Called with the transfer itself, and addresses and ports of both ends, when a connection stands and the request is
/// about to be sent on it: again when libcurl sends it again. Returns 0, or 1 to end the transfer instead.
typedef int (*cnet_beginning)(void *transfer, char *theirs, char *ours, int their_port, int our_port);

/// Sets who is asked before the request is sent.
int cnet_set_beginning(CURL *transfer, cnet_beginning beginning);

/// Whether bytes of the request, head or body, were handed on since libcurl began the transfer.
int cnet_sent(CURL *transfer);

/// The context given to cnet_set_receivers.
void *cnet_context(CURL *transfer);

/// The status of the last response, 0 when there was none.
long cnet_status(CURL *transfer);

/// A finished transfer.
struct cnet_finished {
    CURL *transfer;
    int result;
};

/// Takes one finished transfer out of the queue. Returns 1 and fills `finished`, or 0 when there is none.
int cnet_next_finished(CURLM *multi, struct cnet_finished *finished);

#endif
