#ifndef NATIVE_H
#define NATIVE_H

/// What the lists of calls and the deeds need of the program around them.

enum { APART = 1, FORKS = 2, HELP = 4 };

struct list {
    const char *name;
    void (*run)(void);
};

struct deed {
    const char *name;
    void (*run)(void);
};

extern const struct list lists[];
extern const struct deed deeds[];

/// Whether there are no walls.
extern int is_control;

/// Makes a system call and notes how it ended. Its result, or minus the error's number.
long try(const char *name, int flags, long number, long a, long b, long c, long d, long e, long f);

/// Makes a system call. Its result, or minus the error's number.
long call(long number, long a, long b, long c, long d, long e, long f);

/// What the exam told: a number, or a pointer to a text; 0 when it told nothing of it.
long known(const char *name);
long known_or(const char *name, long otherwise);

/// Notes an outcome for the next `tell`.
void note(const char *name, const char *outcome);
void note_result(const char *name, long result);
void note_number(const char *name, double value);

/// Says what was found so far, in one line.
void tell(void);

/// Makes what the lists take for granted: some memory, and a shared file that is open and mapped.
void prepare(void);

/// Writes a line of the protocol.
void say(const char *line);

double seconds(void);
void pause_for(double seconds);

#endif
