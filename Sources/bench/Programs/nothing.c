/* The least that can be started. */
int main(void) { return 0; }
