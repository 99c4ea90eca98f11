/* The seam through which environment variables come in: nothing in aws/ calls getenv. */
#ifndef TIDEMILL_AWS_ENVIRONMENT_H
#define TIDEMILL_AWS_ENVIRONMENT_H

/* Borrowed for as long as what is made with it lives. Any thread. */
struct aws_environment {
    const char *(*value)(void *to, const char *name); /* NULL: not set */
    void *to;
    const char *home; /* the user's folder, for "~/.aws/config"; NULL: there is none */
};

/* The value of a variable; NULL when it is not set or empty. */
const char *aws_environment_value(const struct aws_environment *environment, const char *name);

#endif
