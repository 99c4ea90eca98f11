/* Help, from the tables of commands and options. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/command.h"

enum { NAME_WIDTH = 28, FLAG_WIDTH = 34 };

/* A name and what it is, side by side; below each other where the name is longer than its column. */
static void print_columns(int width, const char *name, const char *text) {
    if (strlen(name) > (size_t)width)
        printf("  %s\n  %-*s %s", name, width, "", text);
    else
        printf("  %-*s %s", width, name, text);
}

static void print_summary_line(const struct command *command) {
    char name[96];
    snprintf(name, sizeof(name), "%s%s%s%s%s", command->noun, command->verb ? " " : "",
             command->verb ? command->verb : "", *command->words ? " " : "", command->words);
    print_columns(NAME_WIDTH, name, command->summary);
    putchar('\n');
}

void help_print_program(void) {
    size_t count = 0;
    const struct command *commands = command_table(&count);
    puts("tidemill: content pipelines on one machine and on your own AWS accounts\n\n"
         "Usage: tidemill NOUN VERB [WORDS] [FLAGS]\n\nCommands:");
    for (size_t i = 0; i < count; i++) {
        if (!commands[i].hidden)
            print_summary_line(&commands[i]);
    }
    puts("\n`tidemill NOUN --help` and `tidemill NOUN VERB --help` tell more.\n"
         "Example: tidemill podcast add https://example.org/feed.xml && tidemill podcast run");
}

void help_print_noun(const char *noun) {
    size_t count = 0;
    const struct command *commands = command_table(&count);
    printf("Usage: tidemill %s VERB [WORDS] [FLAGS]\n\nVerbs:\n", noun);
    const char *example = NULL;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(commands[i].noun, noun) != 0 || commands[i].hidden)
            continue;
        print_summary_line(&commands[i]);
        example = example ? example : commands[i].example;
    }
    if (example)
        printf("\nExample: %s\n", example);
}

static void print_option(const struct option_row *row) {
    char flag[80];
    const char *value = row->type == OPTION_BOOL ? "" : row->value_name ? row->value_name : "VALUE";
    char letter[5] = "    ";
    if (row->letter)
        snprintf(letter, sizeof(letter), "-%c, ", row->letter);
    bool is_on = row->type == OPTION_BOOL && strcmp(row->otherwise, "true") == 0;
    snprintf(flag, sizeof(flag), "%s--%s%s%s%s", letter, is_on ? "[no-]" : "", row->flag, *value ? " " : "", value);
    print_columns(FLAG_WIDTH, flag, row->help);
    if (row->choices)
        printf(" (%s)", row->choices);
    if (row->otherwise && row->type != OPTION_BOOL)
        printf(" [%s]", row->otherwise);
    putchar('\n');
}

void help_print_command(const struct command *command) {
    printf("Usage: tidemill %s%s%s%s%s [FLAGS]\n\n%c%s.\n", command->noun, command->verb ? " " : "",
           command->verb ? command->verb : "", *command->words ? " " : "", command->words,
           command->summary[0] >= 'a' && command->summary[0] <= 'z' ? command->summary[0] - 32 : command->summary[0],
           command->summary + 1);
    size_t count = 0;
    const struct option_row *rows = option_table(&count);
    bool headed = false;
    for (int global = 0; global < 2; global++) {
        headed = false;
        for (size_t i = 0; i < count; i++) {
            if (!rows[i].flag || !command_takes(command, &rows[i]) || (global != 0) != command_takes(NULL, &rows[i]))
                continue;
            if (!headed)
                puts(global ? "\nFlags of every command:" : "\nFlags:");
            headed = true;
            print_option(&rows[i]);
        }
    }
    headed = false;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].flag || !command_takes(command, &rows[i]) || strcmp(command->options, "*") == 0)
            continue;
        if (!headed)
            puts("\nSettings in tidemill.yaml:");
        headed = true;
        print_columns(FLAG_WIDTH, rows[i].name, rows[i].help);
        if (rows[i].otherwise && *rows[i].otherwise)
            printf(" [%s]", rows[i].otherwise);
        putchar('\n');
    }
    if (command->example && *command->example)
        printf("\nExample: %s\n", command->example);
}
