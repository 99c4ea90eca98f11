/* Makes the data and the query mix of the search benchmark, the same bytes for the same arguments on every machine.
 *
 *   generate DIRECTORY [PASSAGES]        (default 382,559 passages in proportionally many episodes)
 *
 * Words follow the law of Zipf and Mandelbrot, p(rank) ~ 1 / (rank + 1.5)^1.07, over 60,000 words: about 130 real
 * function words lead, the rest are made of syllables, longer as they get rarer. One word in eight comes from a list of
 * the episode's own, since people keep to a subject for an hour. Passages are 150 to 305 bytes and last 7 to 15 s, as
 * the passage rule makes them from speech.
 *
 * DIRECTORY/passages.tsv has a line "E number published_ms podcast title file_key" an episode, followed by its lines
 * "P start_ms end_ms text". DIRECTORY/queries.tsv has lines "class query target": word (one to three words drawn by
 * frequency), common (the fifty commonest words), phrase (two to five words cut from the text), prefix (a drawn word
 * cut short) and typo (a drawn word with one slip; the target is the word meant). Fields are split by tabs. */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WORDS = 60000,
    WORD_BYTES = 32,
    TOPIC_WORDS = 150,
    EPISODE_PASSAGES = 374,
    FULL_PASSAGES = 382559,
    CLASS_QUERIES = 1000,
    COMMON_QUERIES = 50,
    SAMPLE_PHRASES = 1000,
};

static const char *const function_words[] = {
    "the",    "and",    "to",    "of",        "a",      "in",    "that",   "it",     "i",       "you",   "is",
    "was",    "for",    "on",    "with",      "he",     "be",    "this",   "have",   "they",    "but",   "not",
    "at",     "we",     "so",    "like",      "are",    "his",   "she",    "her",    "what",    "my",    "as",
    "all",    "just",   "there", "know",      "one",    "from",  "or",     "out",    "had",     "about", "if",
    "do",     "up",     "then",  "it's",      "get",    "when",  "were",   "an",     "who",     "them",  "because",
    "really", "which",  "would", "can",       "me",     "think", "don't",  "your",   "no",      "their", "him",
    "that's", "right",  "by",    "been",      "people", "going", "how",    "some",   "more",    "time",  "go",
    "has",    "i'm",    "into",  "could",     "our",    "these", "see",    "say",    "well",    "now",   "said",
    "other",  "than",   "very",  "only",      "where",  "back",  "kind",   "two",    "way",     "want",  "over",
    "make",   "here",   "even",  "good",      "much",   "first", "us",     "thing",  "any",     "down",  "did",
    "mean",   "yeah",   "lot",   "something", "got",    "off",   "being",  "can't",  "those",   "after", "look",
    "day",    "little", "come",  "work",      "never",  "why",   "always", "before", "through", "years", "take",
};
enum { FUNCTION_WORDS = sizeof function_words / sizeof *function_words };

static char words[WORDS][WORD_BYTES];
static double cumulative[WORDS];

/* Sebastiano Vigna's splitmix64. */
static uint64_t state = 0x7469646d696c6cULL;

static uint64_t random_next(void) {
    uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static unsigned random_below(unsigned bound) {
    return (unsigned)(random_next() % bound);
}

static double random_unit(void) {
    return (double)(random_next() >> 11) / 9007199254740992.0;
}

static unsigned word_draw(void) {
    double wanted = random_unit() * cumulative[WORDS - 1];
    unsigned low = 0;
    unsigned high = WORDS - 1;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (cumulative[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void word_make(char *word, unsigned rank) {
    static const char *const onsets[] = {"b", "br", "c",  "ch", "d",  "dr", "f", "fl", "g",  "gr",
                                         "h", "j",  "k",  "l",  "m",  "n",  "p", "pl", "qu", "r",
                                         "s", "sh", "st", "t",  "th", "tr", "v", "w",  "",   "wh"};
    static const char *const vowels[] = {"a", "e", "i", "o", "u", "ea", "oo", "ai", "ou", "ie"};
    static const char *const codas[] = {"",  "",   "n",  "r",  "s", "t",  "l",  "d",
                                        "m", "ng", "ck", "st", "p", "nt", "ll", "ve"};
    unsigned syllables = rank > 1200 ? 2 : 1;
    syllables += rank > 25000 && random_below(3) ? 1 : 0;
    syllables += random_below(8) == 0 ? 1 : 0;
    word[0] = '\0';
    for (unsigned i = 0; i < syllables; i++) {
        strcat(word, onsets[random_below(30)]);
        strcat(word, vowels[random_below(random_below(3) ? 5 : 10)]);
        strcat(word, codas[random_below(i + 1 < syllables ? 6 : 16)]);
    }
}

static bool word_known(const char *word, uint32_t *slots, unsigned rank) {
    uint32_t hash = 2166136261U;
    for (const char *c = word; *c; c++)
        hash = (hash ^ (uint8_t)*c) * 16777619U;
    for (uint32_t i = hash & 0x3ffff;; i = (i + 1) & 0x3ffff) {
        if (slots[i] == 0) {
            slots[i] = rank + 1;
            return false;
        }
        if (strcmp(words[slots[i] - 1], word) == 0)
            return true;
    }
}

static void vocabulary_make(void) {
    static uint32_t slots[0x40000];
    double sum = 0;
    for (unsigned rank = 0; rank < WORDS; rank++) {
        if (rank < FUNCTION_WORDS) {
            strcpy(words[rank], function_words[rank]);
            word_known(words[rank], slots, rank);
        } else {
            do
                word_make(words[rank], rank);
            while (strlen(words[rank]) < 2 || word_known(words[rank], slots, rank));
        }
        sum += pow((double)rank + 2.5, -1.07);
        cumulative[rank] = sum;
    }
}

/* One passage. `picked` receives the ranks of its words, at most 160. */
static unsigned passage_make(char *text, unsigned *picked, const unsigned *topic, bool *sentence_start) {
    unsigned wanted = 150 + random_below(155);
    unsigned length = 0;
    unsigned count = 0;
    while (length < wanted && count < 160) {
        unsigned rank = random_below(8) == 0 ? topic[random_below(TOPIC_WORDS)] : word_draw();
        const char *word = words[rank];
        if (length)
            text[length++] = ' ';
        size_t bytes = strlen(word);
        memcpy(text + length, word, bytes);
        if (*sentence_start || word[0] == 'i')
            if (*sentence_start || bytes == 1 || word[1] == '\'')
                text[length] = (char)(text[length] - 'a' + 'A');
        length += (unsigned)bytes;
        picked[count++] = rank;
        unsigned mark = random_below(24);
        *sentence_start = mark < 2;
        if (mark == 0)
            text[length++] = '.';
        else if (mark == 1)
            text[length++] = "..?!"[random_below(4)];
        else if (mark == 2)
            text[length++] = ',';
    }
    text[length] = '\0';
    return count;
}

static void slip_make(char *out, const char *word) {
    size_t length = strlen(word);
    size_t at = random_below((unsigned)length);
    char letter = (char)('a' + (char)random_below(26));
    strcpy(out, word);
    switch (random_below(4)) {
    case 0: /* one letter left out */
        memmove(out + at, out + at + 1, length - at);
        break;
    case 1: /* one letter too many */
        memmove(out + at + 1, out + at, length - at + 1);
        out[at] = letter;
        break;
    case 2: /* another letter */
        out[at] = letter == word[at] ? (letter == 'z' ? 'y' : (char)(letter + 1)) : letter;
        break;
    default: /* two letters swapped */
        if (at + 1 < length && word[at] != word[at + 1]) {
            out[at] = word[at + 1];
            out[at + 1] = word[at];
        } else {
            out[at] = letter == word[at] ? 'q' : letter;
        }
    }
}

static void queries_write(FILE *out, char (*phrases)[160]) {
    char slip[WORD_BYTES + 2];
    for (int i = 0; i < CLASS_QUERIES; i++) {
        unsigned count = 1 + (random_below(10) >= 6 ? 1U : 0U) + (random_below(10) >= 8 ? 1U : 0U);
        fputs("word\t", out);
        for (unsigned w = 0; w < count; w++)
            fprintf(out, "%s%s", w ? " " : "", words[word_draw()]);
        fputs("\t\n", out);
    }
    for (int i = 0; i < COMMON_QUERIES; i++)
        fprintf(out, "common\t%s\t\n", words[i]);
    for (int i = 0; i < SAMPLE_PHRASES; i++)
        fprintf(out, "phrase\t\"%s\"\t\n", phrases[i]);
    for (int i = 0; i < CLASS_QUERIES; i++) {
        const char *word = words[word_draw()];
        while (strlen(word) < 3 || strchr(word, '\''))
            word = words[word_draw()];
        int keep = 2 + (int)random_below((unsigned)strlen(word) - 2);
        fprintf(out, "prefix\t%.*s*\t\n", keep, word);
    }
    for (int i = 0; i < CLASS_QUERIES; i++) {
        const char *word = words[word_draw()];
        while (strlen(word) < 4 || strchr(word, '\''))
            word = words[word_draw()];
        slip_make(slip, word);
        fprintf(out, "typo\t%s\t%s\n", slip, word);
    }
}

/* Reservoir sampling (Vitter's algorithm R) keeps the phrases evenly drawn from the whole text. */
static void phrase_sample(char (*phrases)[160], unsigned *seen, const unsigned *picked, unsigned count) {
    unsigned length = 2 + random_below(4);
    if (count < length)
        return;
    unsigned from = random_below(count - length + 1);
    unsigned slot = *seen < SAMPLE_PHRASES ? *seen : random_below(*seen + 1);
    (*seen)++;
    if (slot >= SAMPLE_PHRASES)
        return;
    phrases[slot][0] = '\0';
    for (unsigned i = 0; i < length; i++) {
        if (i)
            strcat(phrases[slot], " ");
        strcat(phrases[slot], words[picked[from + i]]);
    }
}

static FILE *file_open(const char *directory, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    if (!file) {
        fprintf(stderr, "generate: %s: %s\n", path, strerror(errno));
        exit(3);
    }
    return file;
}

static uint64_t passages_write(FILE *out, unsigned total, char (*phrases)[160]) {
    uint64_t bytes = 0;
    unsigned seen = 0;
    unsigned number = 0;
    char text[1024];
    unsigned picked[160];
    unsigned topic[TOPIC_WORDS];
    for (unsigned done = 0; done < total;) {
        unsigned here = EPISODE_PASSAGES - 120 + random_below(241);
        if (here > total - done || total - done < 400)
            here = total - done;
        number++;
        for (unsigned i = 0; i < TOPIC_WORDS; i++)
            topic[i] = 150 + random_below(i < 100 ? 3000 : 30000);
        fprintf(out, "E\t%u\t%llu\tshow-%u\tEpisode %u: %s %s\t2019-01-01_Episode_%u--1700000000000\n", number,
                1546300800000ULL + number * 302400000ULL, number % 3, number, words[topic[0]], words[topic[1]], number);
        unsigned clock = 0;
        bool sentence_start = true;
        for (unsigned i = 0; i < here; i++) {
            unsigned count = passage_make(text, picked, topic, &sentence_start);
            unsigned lasts = 7000 + random_below(8000);
            bytes += strlen(text);
            fprintf(out, "P\t%u\t%u\t%s\n", clock, clock + lasts, text);
            clock += lasts + random_below(300);
            phrase_sample(phrases, &seen, picked, count);
        }
        done += here;
    }
    return bytes;
}

int main(int argc, char **argv) {
    static char phrases[SAMPLE_PHRASES][160];
    if (argc < 2) {
        fputs("usage: generate DIRECTORY [PASSAGES]\n", stderr);
        return 2;
    }
    unsigned total = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : FULL_PASSAGES;
    if (total < SAMPLE_PHRASES) {
        fputs("generate: at least 1000 passages\n", stderr);
        return 2;
    }
    vocabulary_make();
    FILE *passages = file_open(argv[1], "passages.tsv");
    uint64_t bytes = passages_write(passages, total, phrases);
    FILE *queries = file_open(argv[1], "queries.tsv");
    queries_write(queries, phrases);
    if (fclose(passages) != 0 || fclose(queries) != 0) {
        fprintf(stderr, "generate: %s\n", strerror(errno));
        return 3;
    }
    printf("%u passages, %llu bytes of text\n", total, (unsigned long long)bytes);
    return 0;
}
