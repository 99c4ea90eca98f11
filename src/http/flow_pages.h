/* The console for state machines: one page, whose scripts tell by the address what to show, and their files. What they
 * ask for (/console/api/...) is answered elsewhere. */
#ifndef TIDEMILL_HTTP_FLOW_PAGES_H
#define TIDEMILL_HTTP_FLOW_PAGES_H

#include "http/message.h"

/* GET /console: on to the list of state machines. */
server_handler console_front;
/* GET /console/{page}: the page, whatever its name; the scripts say when there is none of that name. */
server_handler console_page;
/* GET /static/{release}/{folder}/{file}: files of console/flow ("flow") and, for the modules there, console/site
 * ("site"). */
server_handler console_file;

#endif
