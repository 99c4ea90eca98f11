/* The man page and the completions, printed from the tables of commands and options. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"

/* Text in roff: a leading dot or quote and every backslash and hyphen are guarded. */
static void print_roff(const char *text) {
    for (const char *c = text; *c; c++) {
        if (*c == '\\')
            fputs("\\e", stdout);
        else if (*c == '-')
            fputs("\\-", stdout);
        else if ((*c == '.' || *c == '\'') && (c == text || c[-1] == '\n'))
            printf("\\&%c", *c);
        else
            putchar(*c);
    }
}

static void print_command(const struct command *command) {
    fputs(".TP\n.B tidemill ", stdout);
    print_roff(command->noun);
    printf("%s%s %s\n", command->verb ? " " : "", command->verb ? command->verb : "", command->words);
    print_roff(command->summary);
    fputs(".\n.br\nExample: ", stdout);
    print_roff(command->example);
    putchar('\n');
}

static void print_option(const struct option_row *row) {
    fputs(".TP\n.B ", stdout);
    if (row->flag) {
        fputs("\\-\\-", stdout);
        print_roff(row->flag);
        if (row->type != OPTION_BOOL)
            printf(" \\fI%s\\fP", row->value_name ? row->value_name : "VALUE");
    } else {
        print_roff(row->name);
    }
    putchar('\n');
    print_roff(row->help);
    if (row->otherwise) {
        fputs(". Default: ", stdout);
        print_roff(row->otherwise);
    }
    fputs(". Setting: ", stdout);
    print_roff(row->name);
    if (row->environment) {
        fputs(". Environment: ", stdout);
        print_roff(row->environment);
    }
    fputs(".\n", stdout);
}

int command_manual(struct command_context *context) {
    (void)context;
    puts(".TH TIDEMILL 1 \"\" \"tidemill " TIDEMILL_VERSION
         "\"\n.SH NAME\ntidemill \\- content pipelines on one machine and on "
         "your own AWS accounts\n.SH SYNOPSIS\n.B tidemill\nNOUN VERB [WORDS] [FLAGS]\n.SH COMMANDS");
    size_t count = 0;
    const struct command *commands = command_table(&count);
    for (size_t i = 0; i < count; i++) {
        if (!commands[i].hidden)
            print_command(&commands[i]);
    }
    puts(".SH OPTIONS");
    const struct option_row *rows = option_table(&count);
    for (size_t i = 0; i < count; i++)
        print_option(&rows[i]);
    puts(".SH EXIT STATUS\n0 all well; 1 some items failed; 2 usage; 3 could not start.");
    return EXIT_WELL;
}

static void print_flags(const struct command *command, const char *before, const char *between) {
    size_t count = 0;
    const struct option_row *rows = option_table(&count);
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        if (!rows[i].flag || !command_takes(command, &rows[i]))
            continue;
        printf("%s%s%s", first ? "" : between, before, rows[i].flag);
        first = false;
    }
}

/* "install|status" are words to choose from; "NAME" and "[set SITE]" are not. Each with `end` behind it. */
static void print_choices(const char *words, const char *end) {
    if (!strchr(words, '|') || strpbrk(words, "[]") || (*words >= 'A' && *words <= 'Z'))
        return;
    while (*words) {
        size_t length = strcspn(words, "|");
        printf("%.*s%s", (int)length, words, end);
        words += length + (words[length] == '|');
    }
}

static void bash_completion(void) {
    puts("_tidemill() {\n  local word=\"${COMP_WORDS[COMP_CWORD]}\" noun=\"${COMP_WORDS[1]}\" "
         "verb=\"${COMP_WORDS[2]}\" words=\"\"\n"
         "  case \"$COMP_CWORD:$noun:$verb\" in");
    size_t count = 0;
    const struct command *commands = command_table(&count);
    fputs("    1:*) words=\"", stdout);
    for (size_t i = 0; i < count; i++) {
        if (!commands[i].hidden && (!i || strcmp(commands[i].noun, commands[i - 1].noun) != 0))
            printf("%s ", commands[i].noun);
    }
    puts("--help --version\" ;;");
    for (size_t i = 0; i < count; i++) {
        if (!commands[i].verb || (i && strcmp(commands[i].noun, commands[i - 1].noun) == 0))
            continue;
        printf("    2:%s:*) words=\"", commands[i].noun);
        for (size_t j = i; j < count && strcmp(commands[j].noun, commands[i].noun) == 0; j++)
            printf("%s%s", j == i ? "" : " ", commands[j].verb);
        puts("\" ;;");
    }
    for (size_t i = 0; i < count; i++) {
        if (commands[i].hidden)
            continue;
        printf("    *:%s:%s) words=\"", commands[i].noun, commands[i].verb ? commands[i].verb : "*");
        print_choices(commands[i].words, " ");
        print_flags(&commands[i], "--", " ");
        puts("\" ;;");
    }
    puts("  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n  [ ${#COMPREPLY[@]} -gt 0 ] || "
         "COMPREPLY=($(compgen -f -- \"$word\"))\n}\n"
         "complete -F _tidemill tidemill");
}

static void zsh_completion(void) {
    puts("#compdef tidemill\nautoload -U +X bashcompinit && bashcompinit");
    bash_completion();
}

/* In single quotes, as fish has them. */
static void print_quoted(const char *text) {
    putchar('\'');
    for (; *text; text++)
        printf("%s%c", *text == '\'' || *text == '\\' ? "\\" : "", *text);
    putchar('\'');
}

static void fish_completion(void) {
    size_t count = 0;
    const struct command *commands = command_table(&count);
    for (size_t i = 0; i < count; i++) {
        const struct command *command = &commands[i];
        if (command->hidden)
            continue;
        if (!i || strcmp(command->noun, commands[i - 1].noun) != 0)
            printf("complete -c tidemill -n __fish_use_subcommand -f -a %s\n", command->noun);
        if (command->verb) {
            printf("complete -c tidemill -n '__fish_seen_subcommand_from %s' -f -a %s -d ", command->noun,
                   command->verb);
            print_quoted(command->summary);
            putchar('\n');
            printf("complete -c tidemill -n '__fish_seen_subcommand_from %s' -f -a '", command->verb);
            print_choices(command->words, " ");
            puts("'");
        }
        printf("for flag in ");
        print_flags(command, "", " ");
        printf("; complete -c tidemill -n '__fish_seen_subcommand_from %s' -l $flag; end\n",
               command->verb ? command->verb : command->noun);
    }
}

int command_completion(struct command_context *context) {
    const char *shell = context->words[0];
    if (strcmp(shell, "bash") == 0) {
        bash_completion();
    } else if (strcmp(shell, "zsh") == 0) {
        zsh_completion();
    } else if (strcmp(shell, "fish") == 0) {
        fish_completion();
    } else {
        struct error err;
        error_set(&err, ERROR_USAGE, "no completions for \"%s\"", shell);
        error_hint(&err, "choose bash, zsh or fish");
        return output_fail(&err, EXIT_USAGE);
    }
    return EXIT_WELL;
}
